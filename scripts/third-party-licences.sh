#!/usr/bin/env bash
# Prints the licences of all crates that are linked into the program for a target: each text once, under the crates that have it.
# usage: scripts/third-party-licences.sh TARGET
set -euo pipefail
target=${1:?the target is missing}
cd "$(dirname "$0")/.."
texts=$(mktemp -d)
trap 'rm -rf "$texts"' EXIT

while read -r name version _; do
  [ "$name" = filing-operator ] && continue
  found=false
  for file in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/"$name-${version#v}"/{LICENSE,LICENCE,COPYING,NOTICE,UNLICENSE,license}*; do
    [ -f "$file" ] || continue
    found=true
    digest=$(sha256sum <"$file" | cut -d' ' -f1)
    [ -e "$texts/$digest.text" ] || cp "$file" "$texts/$digest.text"
    echo "$name $version" >>"$texts/$digest.crates"
  done
  if [ "$found" = false ]; then
    cargo info --quiet --offline "$name@${version#v}" 2>/dev/null | sed -n "s/^license: /$name $version: /p" >>"$texts/named"
  fi
done < <(cargo tree --locked --edges normal --target "$target" --prefix none --format '{p}' | sort -u)

[ ! -s "$texts/named" ] || { echo "Crates without a licence file, by what they declare:"; sort -u "$texts/named"; }
for crates in "$texts"/*.crates; do
  printf '\n%s\n' "================================================================================"
  sort -u "$crates"
  printf '%s\n\n' "--------------------------------------------------------------------------------"
  cat "${crates%.crates}.text"
done
