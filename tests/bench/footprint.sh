#!/usr/bin/env bash
# Prints how long `citeseek up` takes from exec to serving, and how much memory it keeps resident:
# with a new directory (the sample is indexed first), and with the directory that it left.
# usage: tests/bench/footprint.sh [BINARY]   (default: build/release/bin/citeseek)
set -euo pipefail
cd "$(dirname "$0")/../.."
binary=${1:-build/release/bin/citeseek}
data=$(mktemp -d)
server=0
cleanup() {
  [ "$server" = 0 ] || kill "$server" 2>/dev/null || true
  rm -rf "$data"
}
trap cleanup EXIT

now_ms() { date +%s%3N; }

measure() {
  local started ready
  started=$(now_ms)
  "$binary" up --data "$data" --listen 127.0.0.1:0 >"$data/out" 2>"$data/err" &
  server=$!
  # The address is printed once it serves.
  until grep -q ' on ' "$data/out"; do
    kill -0 "$server" || { cat "$data/err" >&2; exit 1; }
    sleep 0.005
  done
  ready=$(now_ms)
  for question in "When was the observatory opened?" "云岭茶厂是哪一年成立的？"; do
    "$binary" ask --data "$data" "$question" >/dev/null
  done
  awk -v name="$1" -v ms=$((ready - started)) \
    '/^VmRSS/ {printf "%-14s ready after %4d ms, %5.1f MB resident after two answers\n", name, ms, $2 / 1024}' \
    "/proc/$server/status"
  kill "$server"
  wait "$server" 2>/dev/null || true
  server=0
  rm -f "$data/out"
}

measure "new directory"
measure "restart"
