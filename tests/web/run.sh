#!/usr/bin/env bash
# run.sh current|unit|rebuild|browser [BINARY OUTPUT]: one of the tests of the search page, for CTest.
# Without node and the packages of services/web, which tests/run.sh web installs, all but the first are
# skipped: exit 77.
set -euo pipefail

here="$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"
root="$(dirname "$(dirname "$here")")"
work="$root/build/web"

skip() {
  echo "SKIPPED: the search page is not tested: $1" >&2
  exit 77
}

if [[ "$1" == current ]]; then
  "$root/services/web/build.sh" --sources | diff "$root/services/web/dist/sources.sha256" - ||
    { echo "services/web/dist is older than its sources: run services/web/build.sh" >&2; exit 1; }
  exit
fi

command -v node >/dev/null || skip "node is not there; tests/run.sh web installs it"
cmp -s "$root/services/web/package-lock.json" "$work/node_modules/.installed" ||
  skip "its npm packages are not there; tests/run.sh web installs them"

case "$1" in
  unit)
    NODE_PATH="$work/node_modules" "$work/node_modules/.bin/esbuild" "$here/unit.test.ts" --bundle --platform=node --format=esm \
      --jsx=automatic --jsx-import-source=preact --outfile="$work/unit.test.mjs" --log-level=warning
    node --test "$work/unit.test.mjs"
    ;;
  rebuild)
    again="$(mktemp -d)"
    trap 'rm -rf "$again"' EXIT
    "$root/services/web/build.sh" "$again/dist"
    diff -r "$root/services/web/dist" "$again/dist" ||
      { echo "services/web/dist is not what services/web/build.sh makes" >&2; exit 1; }
    ;;
  browser)
    command -v chromium >/dev/null || skip "chromium is not there; tests/run.sh web installs it"
    CITESEEK_BINARY="$2" CITESEEK_WEB_OUTPUT="$3" CITESEEK_WEB_PACKAGES="$work/" \
      node --test "$here/browser.test.mjs"
    ;;
esac
