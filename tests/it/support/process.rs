//! Child programs that never outlive the test process, and free ports for them.
//!
//! A destructor is not enough: statics are never dropped, and a test process can be killed. So each program has a small
//! shell beside it that holds the other end of a pipe, and ends the program when that pipe closes, for whatever reason.

use std::{
    fs::File,
    io::Write as _,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::atomic::{AtomicU16, Ordering},
    time::Duration,
};

use super::wait::{PATIENCE, eventually};

/// Runs `$@` after the first argument; passes on the signals whose names it reads; kills the program when there is no
/// more to read; removes the folder `$1`, unless it is empty, once the program has ended.
///
/// It is the program's parent, so a signal can never meet a stranger who got the same process id.
const KEEPER: &str = r#"
folder=$1; shift
exec 3<&0
"$@" </dev/null 3<&- & program=$!
(while read -r signal; do kill -s "$signal" "$program"; done <&3; kill -s KILL "$program") 2>/dev/null & reader=$!
wait "$program"; code=$?
kill "$reader" 2>/dev/null
[ -z "$folder" ] || rm -rf -- "$folder"
exit "$code"
"#;

/// A program that runs beside the tests, and ends with them.
pub(crate) struct Process {
    name: &'static str,
    keeper: Child,
    signals: Option<ChildStdin>,
    log: PathBuf,
}

/// What a program has taken so far.
#[allow(dead_code, reason = "benchmarks look at all of it, and tests at little")]
pub(crate) struct Usage {
    /// Time of all its threads on a processor, in steps of 10 ms.
    pub(crate) cpu: Duration,
    /// The memory that is resident, in bytes.
    pub(crate) resident: u64,
    /// The most that it ever was, in bytes.
    pub(crate) peak: u64,
}

impl Process {
    /// Starts `program`; what it prints goes to the file `log`, and `folder` is removed when it has ended.
    pub(crate) fn start<A: AsRef<std::ffi::OsStr>>(
        name: &'static str,
        program: &Path,
        args: impl IntoIterator<Item = A>,
        log: &Path,
        folder: Option<&Path>,
    ) -> Self {
        let out = File::options()
            .create(true)
            .append(true)
            .open(log)
            .expect("the log can be written");
        let mut keeper = Command::new("sh")
            .args(["-c", KEEPER, name])
            .arg(folder.unwrap_or(Path::new("")))
            .arg(program)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(out.try_clone().expect("a file handle can be cloned"))
            .stderr(out)
            // Ctrl-C is for the test process; the keeper then finds the pipe closed, and tidies up.
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("can't start {}: {error}", program.display()));
        let signals = keeper.stdin.take();
        Self {
            name,
            keeper,
            signals,
            log: log.to_owned(),
        }
    }

    /// Sends the signal of that name (`TERM`, `KILL`), unless the program has ended.
    pub(crate) fn signal(&mut self, signal: &str) {
        if let Some(pipe) = &mut self.signals {
            // A broken pipe says that the program has ended already.
            let _ = writeln!(pipe, "{signal}");
        }
    }

    /// Stops the program where it is (SIGSTOP), and waits until it stands still.
    pub(crate) async fn freeze(&mut self) {
        self.signal("STOP");
        self.await_state(true).await;
    }

    /// Lets a program go on that was frozen (SIGCONT), and waits until it does.
    pub(crate) async fn thaw(&mut self) {
        self.signal("CONT");
        self.await_state(false).await;
    }

    async fn await_state(&self, frozen: bool) {
        eventually(&format!("{} to be frozen: {frozen}", self.name), PATIENCE, async || {
            let state = self.state().ok_or("it does not run")?;
            ((state == 'T') == frozen)
                .then_some(())
                .ok_or(format!("it is in state {state}"))
        })
        .await;
    }

    /// The state of the program, as proc(5) has it.
    fn state(&self) -> Option<char> {
        self.about("stat")?.rsplit_once(") ")?.1.chars().next()
    }

    /// What the program has taken so far; none once it has ended.
    pub(crate) fn usage(&self) -> Option<Usage> {
        let status = self.about("status")?;
        let bytes = |field: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(field))?;
            let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
            Some(kilobytes * 1024)
        };
        // The second field, the name, may have blanks; behind it the times are the 12th and 13th (proc(5)), in ticks
        // of 1/100 s.
        let stat = self.about("stat")?;
        let fields = stat.rsplit_once(") ")?.1.split_whitespace();
        let ticks = fields.skip(11).take(2).map(str::parse::<u64>).sum::<Result<u64, _>>();
        Some(Usage {
            cpu: Duration::from_millis(ticks.ok()? * 10),
            resident: bytes("VmRSS:")?,
            peak: bytes("VmHWM:")?,
        })
    }

    /// A file of the program below /proc. It is the keeper's child that is no shell.
    fn about(&self, file: &str) -> Option<String> {
        let keeper = self.keeper.id();
        let children = std::fs::read_to_string(format!("/proc/{keeper}/task/{keeper}/children")).ok()?;
        let is_program = |child: &&str| {
            let name = std::fs::read_to_string(format!("/proc/{child}/comm"));
            name.is_ok_and(|name| !["sh", "dash"].contains(&name.trim()))
        };
        let program = children.split_whitespace().find(is_program)?;
        std::fs::read_to_string(format!("/proc/{program}/{file}")).ok()
    }

    /// How the program ended; a signal shows as 128 and its number.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.keeper.try_wait().expect("a child can be waited for")
    }

    /// Kills the program, and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        self.signals.take();
        self.keeper.wait().expect("a child can be waited for");
    }

    /// What the program has printed so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_else(|error| format!("({}: {error})", self.log.display()))
    }

    /// The end of the log, for a failure message.
    pub(crate) fn last_words(&self) -> String {
        let log = self.log();
        let lines: Vec<_> = log.lines().collect();
        let last = lines.len().saturating_sub(60);
        format!(
            "--- {}, the last lines of {} ---\n{}\n",
            self.name,
            lines.len(),
            lines[last..].join("\n")
        )
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// An address on loopback where nothing listens.
///
/// From below the range that the kernel takes outgoing connections' ports from, so that none of those gets in between
/// this look and the program that will listen; where two test processes start differs by their ids.
pub(crate) fn free_address() -> SocketAddr {
    const FIRST: u16 = 15_000;
    const COUNT: u16 = 17_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let own = (std::process::id() % 170) * 100;
    (0..COUNT)
        .map(|_| {
            let step = u32::from(NEXT.fetch_add(1, Ordering::Relaxed));
            let port = FIRST + u16::try_from((own + step) % u32::from(COUNT)).expect("less than COUNT");
            SocketAddr::from((Ipv4Addr::LOCALHOST, port))
        })
        .find(|address| TcpListener::bind(address).is_ok())
        .expect("one of 17000 ports is free")
}
