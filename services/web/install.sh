#!/usr/bin/env bash
# install.sh DIRECTORY: npm packages of package-lock.json into DIRECTORY, unless they are there.
set -euo pipefail

here="$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"
cd "$1"
if cmp -s "$here/package-lock.json" node_modules/.installed; then exit 0; fi
cp "$here"/package.json "$here"/package-lock.json .
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2
cp package-lock.json node_modules/.installed
