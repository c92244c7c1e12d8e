#!/usr/bin/env bash
# What the operator's image holds, into a folder: the program, linked statically so that it needs nothing beside it, and the
# licences of all that is in it.
# usage: scripts/image-program.sh amd64|arm64 FOLDER     needs rustup, clang
set -euo pipefail

case ${1:-} in
  amd64) target=x86_64-unknown-linux-musl ;;
  arm64) target=aarch64-unknown-linux-musl ;;
  *) echo "usage: scripts/image-program.sh amd64|arm64 FOLDER" >&2; exit 2 ;;
esac
out=${2:?the folder is missing}
cd "$(dirname "$0")/.."
rustup target add "$target"

# clang compiles for every target, and Rust brings the rest of a musl toolchain itself.
variable=${target//-/_}
export "CC_$variable=clang" "CFLAGS_$variable=--target=$target"
export "CARGO_TARGET_${variable^^}_RUSTFLAGS=-Clinker=rust-lld -Clink-self-contained=yes"
cargo build --release --locked --target "$target" --bin filing-operator

mkdir -p "$out/licenses"
cp "${CARGO_TARGET_DIR:-target}/$target/release/filing-operator" "$out/"
cp LICENSE "$out/licenses/"
scripts/third-party-licences.sh "$target" >"$out/licenses/THIRD-PARTY.txt"
