# Keeps the namespaces of a whole node, and with them all that runs there, for as long as stdin is open. A shell in these
# namespaces, as their first process, runs what stdin says. When it ends so does everything in them, by the kernel's hand;
# what they do not hold is mended here.
# $1: the node's folder, which goes with it; $2: its name; $3: what only one node has at a time; $4: the link to it.
set -u
folder=$1 name=$2 lock=$3 link=$4
exec 3<&0 4</proc/self/ns/net 9>"$lock"
flock 9
echo "the turn is $name's"

# What a kubelet sets for the whole machine.
settings="vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops kernel/keys/root_maxkeys kernel/keys/root_maxbytes"
before=$(for setting in $settings; do echo "$setting $(cat "/proc/sys/$setting")"; done)

unshare --fork --pid --mount --mount-proc --net sh -s <&3 9>&-

echo "$before" | while read -r setting value; do echo "$value" >"/proc/sys/$setting"; done
ip link delete "$link" 2>/dev/null
for cgroup in /sys/fs/cgroup/"$name" /sys/fs/cgroup/*/"$name"; do
  [ ! -d "$cgroup" ] || find "$cgroup" -depth -type d -exec rmdir {} \;
done
rm -rf -- "$folder"
