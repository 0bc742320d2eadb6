#!/usr/bin/env bash
# build.sh [OUTPUT]: makes the page from its sources: checks the types, bundles, and writes a few
# files to OUTPUT, services/web/dist by default, which is what the server is built from. Needs node
# 18 or newer and npm; works in build/web, which keeps the packages. The same sources give the same
# bytes; sources.sha256 beside them says which these were.
# build.sh --sources: prints what belongs in there now; needs no node.
set -euo pipefail

here="$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"
root="$(dirname "$(dirname "$here")")"

sources() (
  cd "$here"
  LC_ALL=C sha256sum index.html package-lock.json public/* src/* tsconfig.json vite.config.ts
)
if [[ "${1:-}" == --sources ]]; then
  sources
  exit
fi

output="$(readlink -m "${1:-$here/dist}")"
work="$root/build/web"

mkdir -p "$work"
"$here/install.sh" "$work"
rm -rf "$work/src" "$work/public" "$work/dist"
cp -r "$here"/{src,public,index.html,tsconfig.json,vite.config.ts} "$work"
cd "$work"
node_modules/.bin/tsc
node_modules/.bin/vite build --logLevel warn
rm -rf "$output"
mkdir -p "$output"
cp dist/* "$output"
sources >"$output/sources.sha256"
