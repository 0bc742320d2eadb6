#!/usr/bin/env bash
# Our engine beside llama.cpp on the same GGUF files, which are made here: random weights in real
# shapes, quantised by llama.cpp. llama.cpp comes from npm: node-llama-cpp has its libraries for each
# kind of processor and, as a git bundle, the headers that belong to them. Needs npm, git, a C++
# compiler, 7 GB of disk in DIR (kept, for the next time) and a machine that does nothing else.
#   usage: tests/bench/llama_cpp_bench.sh DIR [BINARY]   (default: build/release/bin/citeseek)
#   from the environment: THREADS (2), TURNS (5), CASES ("SHAPE:FORMAT ..."), and of decoders PROMPTS
#   (512,2048; sequences decode behind the first) and BATCHES (1,2,4,8)
# Each turn runs ours and theirs one after the other; printed are medians of the turns, and of the
# turns' ratios.
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")/../.."
directory=$(mkdir -p "${1:?usage: $0 DIR [BINARY]}" && cd "$1" && pwd)
binary=${2:-build/release/bin/citeseek}
threads=${THREADS:-2}
turns=${TURNS:-5}
cases=${CASES:-qwen2.5-0.5b:Q8_0 qwen2.5-0.5b:Q4_K_M qwen2.5-1.5b:Q8_0 qwen2.5-1.5b:Q4_K_M bge-small:F16 bge-small:Q8_0}
version=3.22.1
declare -A ftype=([F16]=1 [Q4_0]=2 [Q8_0]=7 [Q4_K_M]=15 [Q5_K_M]=17 [Q6_K]=18)

modules=$directory/node_modules
if [ ! -d "$modules/node-llama-cpp" ]; then
  # Its libraries for GPUs are optional packages of half a gigabyte.
  npm install --prefix "$directory" --ignore-scripts --omit=optional --no-audit --no-fund \
    "node-llama-cpp@$version" "@node-llama-cpp/linux-x64@$version" >&2
fi
if [ ! -d "$directory/llama.cpp" ]; then
  git -c advice.detachedHead=false clone -q "$modules/node-llama-cpp/llama/gitRelease.bundle" \
    "$directory/llama.cpp"
fi
LLAMA_LIBRARIES=$(dirname "$(find "$modules/@node-llama-cpp/linux-x64" -name 'libggml-base.so' -print -quit)")
export LLAMA_LIBRARIES
peer=$directory/llama_cpp_bench
if [ ! -x "$peer" ] || [ tests/bench/llama_cpp_bench.cc -nt "$peer" ]; then
  "${CXX:-c++}" -std=c++20 -O1 -o "$peer" tests/bench/llama_cpp_bench.cc \
    -I"$directory/llama.cpp/include" -I"$directory/llama.cpp/ggml/include" \
    "$LLAMA_LIBRARIES"/libllama.*so* "$LLAMA_LIBRARIES"/libggml.*so* \
    "$LLAMA_LIBRARIES/libggml-base.so" -Wl,-rpath,"$LLAMA_LIBRARIES"
fi

median() { sort -g | awk '{v[NR] = $1} END {print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2}'; }

printf '%-22s %-28s %9s %9s %6s\n' "file, $threads threads" "tokens a second" ours theirs ratio
for case in $cases; do
  shape=${case%:*}
  format=${case#*:}
  file=$directory/$shape.$format.gguf
  if [ ! -f "$file" ]; then
    [ -f "$directory/$shape.F16.gguf" ] || "$peer" make "$shape" "$directory/$shape.F16.gguf"
    [ -f "$file" ] || "$peer" quantize "$directory/$shape.F16.gguf" "$file" "${ftype[$format]}" >&2
  fi
  prompts=${PROMPTS:-512,2048} batches=${BATCHES:-1,2,4,8}
  if [ "$shape" = bge-small ]; then prompts=256 batches=32; fi
  rm -f "$directory"/turn.*
  for ((turn = 0; turn < turns; ++turn)); do
    "$binary" model bench --model "$file" --device cpu --threads "$threads" --prompt "$prompts" \
      --generate 16 --batch "$batches" --rounds 1 |
      awk '/_tokens_per_s/ {print $1, $2}' >"$directory/turn.named"
    sort "$directory/turn.named" >"$directory/turn.ours"
    "$peer" bench "$file" "$threads" "$prompts" 16 "$batches" 1 | sort >"$directory/turn.theirs"
    join "$directory/turn.ours" "$directory/turn.theirs" >>"$directory/turn.both"
  done
  while read -r name _; do
    printf '%-22s %-28s %9.1f %9.1f %6.2f\n' "$shape $format" "${name%_tokens_per_s}" \
      "$(awk -v n="$name" '$1 == n {print $2}' "$directory/turn.both" | median)" \
      "$(awk -v n="$name" '$1 == n {print $3}' "$directory/turn.both" | median)" \
      "$(awk -v n="$name" '$1 == n {print $2 / $3}' "$directory/turn.both" | median)"
  done <"$directory/turn.named"
  rm -f "$directory"/turn.*
done
