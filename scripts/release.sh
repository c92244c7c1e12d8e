#!/usr/bin/env bash
# Makes the files of a release in target/release-artifacts/: the program for this machine, its bill of materials
# (CycloneDX), and the SHA-256 of both. The same sources and toolchain give the same bytes.
set -euo pipefail

cyclonedx=0.5.9

usage() {
  cat <<'USAGE'
usage: scripts/release.sh [--skip-build] [--draft]

Makes the files of a release in target/release-artifacts/ ($CARGO_TARGET_DIR where that is set):
  filing-operator-VERSION-TARGET.tar.gz   the program, with licence, README and changelog
  filing-operator-VERSION.cdx.json        its bill of materials (SBOM, CycloneDX 1.5)
  filing.yaml                             the manifest of kubectl's plugin for krew, for this machine's platform
  SHA256SUMS

It stops where Cargo.toml, Cargo.lock and CHANGELOG.md differ in the version, or the tree has changes.

  --skip-build    take the release build that is there, to try the rest; not for a release
  --draft         go on though the tree has changes and the changelog calls the version unreleased

SOURCE_DATE_EPOCH dates the files; it is the last commit's time where it is not set.
Needs cargo-cyclonedx: cargo install --locked cargo-cyclonedx
USAGE
}

die() { printf 'release: %s\n' "$*" >&2; exit 1; }

build=true draft=false
for argument; do
  case $argument in
    -h | --help) usage; exit 0 ;;
    --skip-build) build=false ;;
    --draft) draft=true ;;
    *) usage >&2; die "unknown argument $argument" ;;
  esac
done

cd "$(dirname "$0")/.."
for program in cargo git tar gzip sha256sum; do
  command -v "$program" >/dev/null || die "$program is missing; install it"
done
cargo cyclonedx --version >/dev/null 2>&1 ||
  die "cargo-cyclonedx is missing; run: cargo install --locked --version $cyclonedx cargo-cyclonedx"

version=$(sed -n '/^\[package\]/,/^\[/s/^version = "\(.*\)"$/\1/p' Cargo.toml)
[ -n "$version" ] || die "Cargo.toml has no version of the package"
cargo metadata --locked --format-version 1 --no-deps >/dev/null || die "Cargo.lock is not that of Cargo.toml; run: cargo update --workspace"
noted=$(sed -n 's/^## \(\[Unreleased\] \)\{0,1\}\[\{0,1\}\([0-9][0-9A-Za-z.+-]*\).*$/\2/p' CHANGELOG.md | head -n 1)
[ "$noted" = "$version" ] || die "Cargo.toml says $version and CHANGELOG.md ${noted:-nothing}; make them agree"
if [ "$draft" = false ] && grep -qF "## [Unreleased] $version" CHANGELOG.md; then
  die "CHANGELOG.md calls $version unreleased; give it a date, or pass --draft to try"
fi
if [ "$draft" = false ] && [ -n "$(git status --porcelain)" ]; then
  die "the tree has changes; commit them, or pass --draft to try"
fi

export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
target_dir=${CARGO_TARGET_DIR:-target}
target=$(rustc -vV | sed -n 's/^host: //p')
out=$target_dir/release-artifacts
name=filing-operator-$version-$target

if [ "$build" = true ]; then
  # No path of this machine in what panics say.
  RUSTFLAGS="${RUSTFLAGS:-} --remap-path-prefix=$PWD=. --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo" \
    cargo build --release --locked
fi
program=$target_dir/release/filing-operator
[ -x "$program" ] || die "$program is missing; leave out --skip-build"
said=$("$program" --version)
[ "$said" = "filing-operator $version" ] || die "$program says \"$said\" and not $version; leave out --skip-build"

rm -rf "$out"
mkdir -p "$out/$name"
trap 'rm -rf "$out/$name" filing-operator.cdx.json' EXIT
cp "$program" LICENSE README.md README.zh.md CHANGELOG.md "$out/$name/"
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" --mode=u=rwX,go=rX \
  -C "$out" -cf - "$name" | gzip -n -9 >"$out/$name.tar.gz"

cargo cyclonedx --quiet --format json --spec-version 1.5 --target "$target" --no-build-deps --override-filename filing-operator.cdx
# What differs from one checkout to the next, and says nothing of what is in the program.
sed -e "s|path+file://$PWD|path+file:///filing-operator|g" -e '/"serialNumber": /d' \
  filing-operator.cdx.json >"$out/filing-operator-$version.cdx.json"

# The program under another name is the plugin. krew names platforms as Go does.
case $target in
  x86_64-*-linux-*) arch=amd64 ;;
  aarch64-*-linux-*) arch=arm64 ;;
  *) die "krew has no name for $target here; add it to scripts/release.sh" ;;
esac
cat >"$out/filing.yaml" <<MANIFEST
apiVersion: krew.googlecontainertools.github.com/v1alpha2
kind: Plugin
metadata:
  name: filing
spec:
  version: v$version
  homepage: https://github.com/filing-operator/filing-operator
  shortDescription: See where the ICP filings of a cluster stand
  description: |
    Shows what a cluster in mainland China serves under which ICP filing (备案), what ends next, what is
    blocked and why; explains a route rule by rule, tries a policy before it is in force, and gives Filings to
    begin with for the domains that have none.
  caveats: |
    It reads Filings, AccessServers, FilingPolicies and Ingresses in all namespaces.
  platforms:
    - selector:
        matchLabels: {os: linux, arch: $arch}
      uri: https://github.com/filing-operator/filing-operator/releases/download/v$version/$name.tar.gz
      sha256: $(sha256sum "$out/$name.tar.gz" | cut -d ' ' -f 1)
      files:
        - {from: $name/filing-operator, to: kubectl-filing}
        - {from: $name/LICENSE, to: .}
      bin: kubectl-filing
MANIFEST

(cd "$out" && sha256sum "$name.tar.gz" "filing-operator-$version.cdx.json" filing.yaml >SHA256SUMS)
printf "in %s:\n" "$out"; cat "$out/SHA256SUMS"
