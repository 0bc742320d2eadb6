#!/usr/bin/env bash
# run.sh CITESEEK DESCRIPTORS: tests the binary with the clients that people use, from npm. DESCRIPTORS:
# the compiled citeseek.v1 protos. Exit code 77: skipped, because node, npm or the packages cannot be had.
set -euo pipefail
here="$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"
work="$(dirname "$2")/clients"

skip() {
  echo "SKIPPED: $1" >&2
  exit 77
}

command -v node >/dev/null && command -v npm >/dev/null || skip "node and npm are not installed"
mkdir -p "$work"
if ! cmp -s "$here/package-lock.json" "$work/installed-lock.json"; then
  cp "$here/package.json" "$here/package-lock.json" "$work/"
  npm ci --prefix "$work" --no-audit --no-fund --ignore-scripts >"$work/npm.log" 2>&1 ||
    skip "npm cannot install the packages: $(tail -n 3 "$work/npm.log")"
  cp "$here/package-lock.json" "$work/installed-lock.json"
fi
cp "$here"/*.mjs "$work/"
cd "$work"
CITESEEK="$1" DESCRIPTORS="$2" exec node --test .
