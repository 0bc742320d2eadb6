#!/usr/bin/env bash
# gpu.sh [build|pack DIR]: the inference tests on an NVIDIA GPU. Needs neither gRPC, FAISS nor
# RocksDB, and no network.
#   gpu.sh            builds floor 1 with CUDA and runs the parity and golden suites on the GPU
#   gpu.sh build      only builds (needs the CUDA toolkit, no GPU)
#   gpu.sh pack DIR   builds and puts all that the tests need into DIR, for a machine that has a GPU,
#                     its driver and cuBLASLt of the same CUDA, and none of the other libraries: run
#                     DIR/run.sh there
# Golden models come from $CITESEEK_SHARED, or from shared/ beside the source tree; without them their
# suites skip. $GTEST_FILTER chooses other tests.
set -euo pipefail

root="$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")"
tests="$root/build/gpu/bin/inference_tests"
filter="${GTEST_FILTER:-All/BackendTest.*/Cuda:DecoderTest.*:EncoderTest.*:ExactnessTest.*:PredictionHeadTest.*:MakeBackendTest.*}"

build() {
  local launcher=()
  if command -v ccache >/dev/null; then launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi
  cd "$root"
  cmake --preset cuda -B build/gpu -DCITESEEK_INFERENCE_ONLY=ON "${launcher[@]}"
  cmake --build build/gpu --target inference_tests
}

case "${1:-}" in
  "")
    build
    CITESEEK_TEST_DEVICE=cuda GTEST_FILTER="$filter" "$tests"
    ;;
  build) build ;;
  pack)
    directory="${2:?usage: $0 pack DIR}"
    build
    mkdir -p "$directory/lib" "$directory/shared"
    strip -o "$directory/inference_tests" "$tests"
    # All but the C library and the driver's own; cuBLASLt is half a gigabyte and comes with CUDA.
    ldd "$tests" | awk '$2 == "=>" && $3 ~ /^\// {print $3}' |
      grep -Ev '/(libc|libm|libdl|librt|libpthread|libcuda|libcublas(Lt)?)\.so' |
      xargs -I{} cp -L {} "$directory/lib/"
    golden="${CITESEEK_SHARED:-$root/../shared}/golden"
    if [[ -d "$golden" ]]; then cp -rL "$golden" "$directory/shared/"; fi
    echo "$filter" >"$directory/filter"
    cat >"$directory/run.sh" <<'RUN'
#!/usr/bin/env bash
# Runs the parity and golden suites on this machine's GPU. CUBLAS_DIR: the folder of libcublasLt.so.
set -euo pipefail
here="$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"
if [[ -z "${CUBLAS_DIR:-}" ]]; then
  found="$(find / -name 'libcublasLt.so.1[3-9]' -not -path '/proc/*' -print -quit 2>/dev/null || true)"
  CUBLAS_DIR="$(dirname "${found:-/usr/local/cuda/lib64/libcublasLt.so}")"
fi
export LD_LIBRARY_PATH="$here/lib:$CUBLAS_DIR:${LD_LIBRARY_PATH:-}"
export GTEST_FILTER="${GTEST_FILTER:-$(cat "$here/filter")}"
CITESEEK_TEST_DEVICE=cuda CITESEEK_SHARED="$here/shared" exec "$here/inference_tests" "$@"
RUN
    chmod +x "$directory/run.sh"
    du -sh "$directory"
    ;;
  *)
    sed -n '2,10s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
    ;;
esac
