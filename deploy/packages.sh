#!/usr/bin/env bash
# packages.sh SECTION...: installs what is missing of the named sections of packages.txt. Says what
# it does; does nothing, and asks for no rights, if nothing is missing.
set -euo pipefail

list="$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/packages.txt"

fail() {
  printf 'error: %s\n' "$@" >&2
  exit 1
}

missing=()
for section in "$@"; do
  found=0
  while read -r name; do
    found=1
    state="$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null || true)"
    [[ "$state" == installed ]] || missing+=("$name")
  done < <(awk -v want="[$section]" \
    '/^\[/ {on = ($1 == want); next} on && NF && $1 !~ /^#/ {print $1}' "$list")
  ((found)) || fail "no section [$section] in $list"
done
((${#missing[@]})) || exit 0

command -v apt-get >/dev/null ||
  fail "these packages are missing and there is no apt-get: ${missing[*]}" \
    "CiteSeek is built on Debian 12; elsewhere install their like, or use a Debian 12 container."

as_root=()
if [[ "$(id -u)" != 0 ]]; then
  command -v sudo >/dev/null ||
    fail "installing packages needs root, and sudo is not there. As root, run:" \
      "  apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"
  as_root=(sudo)
fi

echo "Installing ${#missing[@]} Debian packages: ${missing[*]}" >&2
log="$(mktemp)"
trap 'rm -f "$log"' EXIT
apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o Acquire::Retries=3 "$@" \
    >"$log" 2>&1 && return
  tail -n 20 "$log" >&2
  fail "apt-get $1 failed (above). Is a Debian mirror reachable from here? Without one, fetch these" \
    "packages on a machine that reaches one and install them with dpkg -i: ${missing[*]}"
}
apt update
apt install -y --no-install-recommends "${missing[@]}"
