#include "tests/bench/ceilings.h"

#include <immintrin.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

namespace citeseek::bench {
namespace {

using Clock = std::chrono::steady_clock;

// The best of five rounds of `work` on all threads at once, in units a second.
double Best(int threads, double units, const std::function<void(int)>& work) {
  double best = 0;
  for (int round = 0; round < 5; ++round) {
    const auto start = Clock::now();
    {
      std::vector<std::jthread> all;
      for (int t = 0; t < threads; ++t) all.emplace_back([&, t] { work(t); });
    }
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    best = std::max(best, units * threads / seconds);
  }
  return best;
}

constexpr int kLoops = 4'000'000;
constexpr int kChains = 10;

volatile float float_sink;
volatile int int_sink;

// The empty assembler statements keep the compiler from seeing that a loop's turns are all the
// same.
__attribute__((target("avx2,fma"))) void FmaAvx2() {
  __m256 sums[kChains] = {};
  __m256 x = _mm256_set1_ps(1e-9f);
  for (int i = 0; i < kLoops; ++i) {
    asm volatile("" : "+x"(x));
#pragma GCC unroll 10
    for (int c = 0; c < kChains; ++c) sums[c] = _mm256_fmadd_ps(x, x, sums[c]);
  }
  for (const __m256& sum : sums) float_sink = _mm256_cvtss_f32(sum);
}

__attribute__((target("avx2"))) void BytesAvx2() {
  __m256i sums[kChains] = {};
  __m256i x = _mm256_set1_epi8(1);
  const __m256i ones = _mm256_set1_epi16(1);
  for (int i = 0; i < kLoops; ++i) {
    asm volatile("" : "+x"(x));
#pragma GCC unroll 10
    for (int c = 0; c < kChains; ++c) {
      __m256i pairs = _mm256_maddubs_epi16(x, x);
      asm volatile("" : "+x"(pairs));  // or ten equal products become one
      sums[c] = _mm256_add_epi32(sums[c], _mm256_madd_epi16(pairs, ones));
    }
  }
  for (const __m256i& sum : sums) int_sink = _mm256_cvtsi256_si32(sum);
}

__attribute__((target("avx512f"))) void FmaAvx512() {
  __m512 sums[kChains] = {};
  __m512 x = _mm512_set1_ps(1e-9f);
  for (int i = 0; i < kLoops; ++i) {
    asm volatile("" : "+v"(x));
#pragma GCC unroll 10
    for (int c = 0; c < kChains; ++c) sums[c] = _mm512_fmadd_ps(x, x, sums[c]);
  }
  for (const __m512& sum : sums) float_sink = _mm512_cvtss_f32(sum);
}

__attribute__((target("avx512f,avx512vnni"))) void BytesAvx512() {
  __m512i sums[kChains] = {};
  __m512i x = _mm512_set1_epi8(1);
  for (int i = 0; i < kLoops; ++i) {
    asm volatile("" : "+v"(x));
#pragma GCC unroll 10
    for (int c = 0; c < kChains; ++c) sums[c] = _mm512_dpbusd_epi32(sums[c], x, x);
  }
  for (const __m512i& sum : sums) int_sink = _mm512_cvtsi512_si32(sum);
}

double ReadBandwidth(int threads) {
  constexpr std::size_t kNumbers = 32u << 20;  // 256 MB a thread, past every cache
  std::vector<std::vector<std::uint64_t>> memory(static_cast<std::size_t>(threads),
                                                 std::vector<std::uint64_t>(kNumbers, 1));
  return Best(threads, kNumbers * 8e-9, [&](int t) {
    const std::uint64_t* p = memory[static_cast<std::size_t>(t)].data();
    std::uint64_t sums[8] = {};
    for (std::size_t i = 0; i < kNumbers; i += 8) {
      for (std::size_t j = 0; j < 8; ++j) sums[j] += p[i + j];
    }
    for (const std::uint64_t sum : sums) int_sink = static_cast<int>(sum);
  });
}

}  // namespace

Ceilings MeasureCeilings(int threads) {
  Ceilings out = {.read_gb_per_s = ReadBandwidth(threads)};
  const double products = 1e-9 * kLoops * kChains;
  if (__builtin_cpu_supports("avx512f")) {
    out.f32_gflop_per_s = Best(threads, products * 32, [](int) { FmaAvx512(); });
  } else if (__builtin_cpu_supports("avx2")) {
    out.f32_gflop_per_s = Best(threads, products * 16, [](int) { FmaAvx2(); });
  }
  if (__builtin_cpu_supports("avx512vnni")) {
    out.int8_gop_per_s = Best(threads, products * 128, [](int) { BytesAvx512(); });
  } else if (__builtin_cpu_supports("avx2")) {
    out.int8_gop_per_s = Best(threads, products * 64, [](int) { BytesAvx2(); });
  }
  return out;
}

}  // namespace citeseek::bench
