#!/usr/bin/env bash
# lint.sh [FILE...]: shellcheck, clang-format and clang-tidy over the given sources, or over all of
# them. Installs what is missing. clang-tidy reads the build in build/dev.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
deploy/packages.sh build test lint

shellcheck deploy/*.sh tests/*.sh tests/web/*.sh services/web/*.sh .ci/run .githooks/pre-commit
if (($#)); then
  files=("$@")
else
  mapfile -t files < <(git ls-files '*.h' '*.cc')
fi
clang-format --dry-run --Werror "${files[@]}"

[[ -f build/dev/compile_commands.json ]] || cmake --preset dev >/dev/null
cmake --build build/dev --target citeseek_proto
mapfile -t sources < <(printf '%s\n' "${files[@]}" | grep '\.cc$')
((${#sources[@]} == 0)) ||
  printf '%s\0' "${sources[@]}" | xargs -0 -n 1 -P "$(nproc)" clang-tidy --quiet -p build/dev
