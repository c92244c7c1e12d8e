#!/usr/bin/env bash
# A test API server on this machine, for `filing-operator run` beside it: etcd and kube-apiserver, nothing else, on loopback.
# usage: examples/dev/api-server.sh [FOLDER]     then, elsewhere: export KUBECONFIG=FOLDER/kubeconfig; Ctrl-C ends it.
# Each start begins with nothing. PORT=16443 and the two ports after it are used; another PORT moves them.
# The two programs are taken from KUBEBUILDER_ASSETS, from PATH, or from where `cargo test` has built them. Needs openssl.
set -euo pipefail

mkdir -p "${1:-target/api-server}"
run=$(cd "${1:-target/api-server}" && pwd)
port=${PORT:-16443}
token=$(openssl rand -hex 16)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/filing-operator

program() {
  local found=${KUBEBUILDER_ASSETS:-/nonexistent}/$1
  [ -x "$found" ] || found=$(command -v "$1") || found=$(find "$cache" -type f -name "$1" -perm -u+x 2>/dev/null | head -n 1)
  [ -n "$found" ] || { echo "$1 not found: run \`cargo test\` once, which builds it, or set KUBEBUILDER_ASSETS" >&2; return 1; }
  echo "$found"
}
etcd=$(program etcd)
apiserver=$(program kube-apiserver)

umask 077
rm -rf "$run"/{etcd,certs}
echo "$token,admin,1,system:masters" >"$run/tokens"
openssl genrsa -out "$run/service-account.key" 2048 2>/dev/null

# Each program in a process group of its own (set -m), so that Ctrl-C reaches this script alone, and etcd ends last: an API
# server that has lost its etcd takes long to end.
set -m
pids=()
finish() {
  trap '' INT TERM
  local at
  for ((at = ${#pids[@]} - 1; at >= 0; at--)); do
    { kill "${pids[at]}" && wait "${pids[at]}"; } 2>/dev/null || true
  done
}
trap finish EXIT
trap 'exit 0' INT TERM

"$etcd" --data-dir "$run/etcd" --unsafe-no-fsync --listen-peer-urls "http://127.0.0.1:$((port + 2))" \
  --listen-client-urls "http://127.0.0.1:$((port + 1))" --advertise-client-urls "http://127.0.0.1:$((port + 1))" \
  >"$run/etcd.log" 2>&1 &
pids+=($!)
"$apiserver" --etcd-servers "http://127.0.0.1:$((port + 1))" --cert-dir "$run/certs" \
  --bind-address 127.0.0.1 --secure-port "$port" --token-auth-file "$run/tokens" --authorization-mode RBAC \
  --service-account-issuer https://kubernetes.default.svc --service-account-key-file "$run/service-account.key" \
  --service-account-signing-key-file "$run/service-account.key" --service-cluster-ip-range 10.0.0.0/24 \
  --disable-admission-plugins ServiceAccount >"$run/kube-apiserver.log" 2>&1 &
pids+=($!)

until curl -fsk -H "Authorization: Bearer $token" "https://127.0.0.1:$port/readyz" >/dev/null 2>&1; do
  for pid in "${pids[@]}"; do
    kill -0 "$pid" 2>/dev/null || { echo "a program has ended; its log is in $run" >&2; tail -n 5 "$run"/*.log >&2; exit 1; }
  done
  sleep 0.2
done

cat >"$run/kubeconfig" <<K
apiVersion: v1
kind: Config
clusters:
  - {name: test, cluster: {server: "https://127.0.0.1:$port", certificate-authority: "$run/certs/apiserver.crt"}}
users:
  - {name: admin, user: {token: "$token"}}
contexts:
  - {name: test, context: {cluster: test, user: admin}}
current-context: test
K
echo "ready: export KUBECONFIG=$run/kubeconfig"
wait
