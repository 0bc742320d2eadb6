#!/usr/bin/env bash
# quickstart.sh [--once]: from a fresh clone to a cited answer. Installs missing Debian packages,
# builds, indexes deploy/sample, starts the server, asks two questions, and leaves the server running
# until Ctrl-C. With --once it stops after the answers; exit code 0 then means that both were cited.
#
# CITESEEK_DATA: where the index lies (default build/quickstart-data).
# CITESEEK_LISTEN: the server's address (default: that of `citeseek up`).
set -euo pipefail

root="$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")"
data="${CITESEEK_DATA:-$root/build/quickstart-data}"
citeseek=("$root/build/release/bin/citeseek" --data "$data")
questions=("When was Halden Bridge opened?" "云岭毛峰特级多少钱？")

say() { printf '\n== %s\n' "$*" >&2; }
fail() {
  printf 'error: %s\n' "$@" >&2
  exit 1
}

once=0
case "${1:-}" in
  "") ;;
  --once) once=1 ;;
  -h | --help)
    sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"
    exit 0
    ;;
  *)
    echo "usage: $0 [--once]" >&2
    exit 2
    ;;
esac

say "1/4 Debian packages"
"$root/deploy/packages.sh" build

say "2/4 Build (the first time takes some minutes)"
launcher=()
if command -v ccache >/dev/null; then launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi
cd "$root"
if [[ ! -f build/release/build.ninja ]]; then
  mkdir -p build
  cmake --preset release "${launcher[@]}" >build/configure.log 2>&1 || {
    tail -n 20 build/configure.log >&2
    fail "cmake could not configure the build (above; all of it in $root/build/configure.log)"
  }
fi
cmake --build build/release --target citeseek >&2 ||
  fail "the build failed (above). With less than 2 GB of memory a core, try: cmake --build build/release -j1"

server=0
# shellcheck disable=SC2317  # called by trap
stop_server() {
  if ((server)); then
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
}
trap stop_server EXIT
trap 'exit 130' INT TERM

say "3/4 Index deploy/sample into $data"
"${citeseek[@]}" index deploy/sample || fail "indexing failed (above). To begin again, remove $data"

say "4/4 Start the server"
log="$root/build/quickstart-server.log"
listen=()
[[ -z "${CITESEEK_LISTEN:-}" ]] || listen=(--listen "$CITESEEK_LISTEN")
"${citeseek[@]}" up "${listen[@]}" >"$log" 2>&1 &
server=$!
started=$SECONDS
until grep -q '^CiteSeek serves' "$log"; do
  kill -0 "$server" 2>/dev/null || {
    server=0
    tail -n 5 "$log" >&2
    fail "the server stopped (above). If its address is in use: CITESEEK_LISTEN=127.0.0.1:0 $0"
  }
  ((SECONDS < started + 30)) || fail "the server does not answer after 30 s; see $log"
  sleep 0.1
done
cat "$log" >&2

cited=0
for question in "${questions[@]}"; do
  printf '\n> citeseek ask "%s"\n\n' "$question"
  "${citeseek[@]}" ask "$question" || fail "no answer; see $log"
  events="$("${citeseek[@]}" ask --json "$question")"
  if [[ "$events" == *'"event":"citation"'* ]]; then cited=$((cited + 1)); fi
done

if ((once)); then
  stop_server
  server=0
  ((cited == ${#questions[@]})) || fail "only $cited of ${#questions[@]} answers were cited"
  exit 0
fi

cat <<END

The server keeps running until Ctrl-C; its log is $log. In another terminal:

  ${citeseek[@]} ask "Is Larkspur 9.11 newer than 9.9?"
  ${citeseek[@]} index ./my-docs
END
wait "$server"
