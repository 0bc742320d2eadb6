#!/usr/bin/env bash
# run.sh [dev|web|asan|tsan] [CTEST ARGUMENT...]: installs what is missing, builds a preset with its
# tests and runs them through CTest. dev leaves out the search page, whose tests need node and
# Chromium: web runs those alone, and those of the npm clients, which dev skips without node. The
# sanitizer presets build and run the unit tests, asan also the contract tests and the fuzz corpora; an
# entry of CTest is a share of a binary's tests there: GTEST_FILTER names single ones.
# (TSan cannot judge what passes through Debian's gRPC, which is not instrumented: every message would
# be a race.)
set -euo pipefail

root="$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")"
preset="${1:-dev}"
shift || true
select=()
case "$preset" in
  dev) targets=(all) select=(-LE web) ;;
  web) targets=(citeseek descriptors) select=(-L 'web|clients') ;;
  asan) targets=(unit_tests contract_tests fuzz_replays) select=(-L 'unit|contract|fuzz') ;;
  tsan) targets=(unit_tests) select=(-L '^unit$') ;;
  *)
    echo "usage: $0 [dev|web|asan|tsan] [CTEST ARGUMENT...]" >&2
    exit 2
    ;;
esac

# Debian's RocksDB and FAISS are not instrumented either: what they touch does not count (nor when
# the build asks a test binary for its list).
export TSAN_OPTIONS="ignore_noninstrumented_modules=1 ${TSAN_OPTIONS:-}"
export ASAN_OPTIONS="detect_stack_use_after_return=1 ${ASAN_OPTIONS:-}"
export UBSAN_OPTIONS="print_stacktrace=1 ${UBSAN_OPTIONS:-}"

"$root/deploy/packages.sh" build test
cd "$root"
if [[ "$preset" == web ]]; then
  preset=dev
  deploy/packages.sh web
  command -v npm >/dev/null || deploy/packages.sh node
  mkdir -p build/web
  services/web/install.sh build/web
fi
launcher=()
if command -v ccache >/dev/null; then launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi
if [[ ! -f build/$preset/build.ninja ]]; then cmake --preset "$preset" "${launcher[@]}"; fi
cmake --build "build/$preset" --target "${targets[@]}"
ctest --test-dir "build/$preset" --output-on-failure -j "$(nproc)" "${select[@]}" "$@"
