#include "inference/workbench/ceilings.h"

#include <immintrin.h>
#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <functional>
#include <thread>
#include <vector>

namespace citeseek::inference {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kBytes = std::size_t{256} << 20;  // a thread; past every cache

// What `work` does on all threads at once, in units a second, over at least kSeconds: the mean, as
// of the work that is compared to it. The best of short rounds would be what nothing that lasts can
// reach where others take a part of the processor.
constexpr double kSeconds = 0.15;
double Rate(int threads, double units, const std::function<void(int)>& work) {
  const auto start = Clock::now();
  double seconds = 0;
  int rounds = 0;
  for (; seconds < kSeconds; ++rounds) {
    std::vector<std::jthread> all;
    for (int t = 1; t < threads; ++t) all.emplace_back([&, t] { work(t); });
    work(0);
    all.clear();
    seconds = std::chrono::duration<double>(Clock::now() - start).count();
  }
  return units * threads * rounds / seconds;
}

constexpr int kLoops = 5'000'000;
constexpr int kChains = 12;

volatile float float_sink;
volatile int int_sink;

// The empty assembler statements keep the compiler from seeing that products are all the same;
// whole unrolling keeps the sums in registers.
__attribute__((target("avx2,fma"))) void FmaAvx2() {
  __m256 sums[kChains] = {};
  __m256 x = _mm256_set1_ps(1e-9f);
  for (int i = 0; i < kLoops; ++i) {
#pragma GCC unroll 12
    for (int c = 0; c < kChains; ++c) {
      asm volatile("" : "+x"(x));
      sums[c] = _mm256_fmadd_ps(x, x, sums[c]);
      asm volatile("" : "+x"(sums[c]));
    }
  }
#pragma GCC unroll 12
  for (int c = 0; c < kChains; ++c) float_sink = _mm256_cvtss_f32(sums[c]);
}

__attribute__((target("avx2"))) void BytesAvx2() {
  __m256i sums[kChains] = {};
  __m256i x = _mm256_set1_epi8(1);
  const __m256i ones = _mm256_set1_epi16(1);
  for (int i = 0; i < kLoops; ++i) {
#pragma GCC unroll 12
    for (int c = 0; c < kChains; ++c) {
      asm volatile("" : "+x"(x));
      sums[c] = _mm256_add_epi32(sums[c], _mm256_madd_epi16(_mm256_maddubs_epi16(x, x), ones));
      asm volatile("" : "+x"(sums[c]));
    }
  }
#pragma GCC unroll 12
  for (int c = 0; c < kChains; ++c) int_sink = _mm256_cvtsi256_si32(sums[c]);
}

__attribute__((target("avx512f"))) void FmaAvx512() {
  __m512 sums[kChains] = {};
  __m512 x = _mm512_set1_ps(1e-9f);
  for (int i = 0; i < kLoops; ++i) {
#pragma GCC unroll 12
    for (int c = 0; c < kChains; ++c) {
      asm volatile("" : "+v"(x));
      sums[c] = _mm512_fmadd_ps(x, x, sums[c]);
      asm volatile("" : "+v"(sums[c]));
    }
  }
#pragma GCC unroll 12
  for (int c = 0; c < kChains; ++c) float_sink = _mm512_cvtss_f32(sums[c]);
}

__attribute__((target("avx512f,avx512vnni"))) void BytesAvx512() {
  __m512i sums[kChains] = {};
  __m512i x = _mm512_set1_epi8(1);
  for (int i = 0; i < kLoops; ++i) {
#pragma GCC unroll 12
    for (int c = 0; c < kChains; ++c) {
      asm volatile("" : "+v"(x));
      sums[c] = _mm512_dpbusd_epi32(sums[c], x, x);
      asm volatile("" : "+v"(sums[c]));
    }
  }
#pragma GCC unroll 12
  for (int c = 0; c < kChains; ++c) int_sink = _mm512_cvtsi512_si32(sums[c]);
}

__attribute__((target("avx512f,avx512bf16"))) void Bf16Avx512() {
  __m512 sums[kChains] = {};
  __m512i x = _mm512_set1_epi16(1);
  for (int i = 0; i < kLoops; ++i) {
#pragma GCC unroll 12
    for (int c = 0; c < kChains; ++c) {
      asm volatile("" : "+v"(x));
      __m512bh numbers;
      std::memcpy(&numbers, &x, sizeof(numbers));
      sums[c] = _mm512_dpbf16_ps(sums[c], numbers, numbers);
      asm volatile("" : "+v"(sums[c]));
    }
  }
#pragma GCC unroll 12
  for (int c = 0; c < kChains; ++c) float_sink = _mm512_cvtss_f32(sums[c]);
}

__attribute__((target("avx2"))) void Stream(const std::byte* p) {
  __m256i sums[4] = {};
  for (std::size_t i = 0; i < kBytes; i += sizeof(sums)) {
    for (std::size_t j = 0; j < 4; ++j) {
      sums[j] = _mm256_xor_si256(
          sums[j], _mm256_load_si256(reinterpret_cast<const __m256i*>(p + i + 32 * j)));
    }
  }
#pragma GCC unroll 12
  for (int c = 0; c < 4; ++c) int_sink = _mm256_cvtsi256_si32(sums[c]);
}

constexpr double kProducts = 1e-9 * kLoops * kChains;

}  // namespace

struct CeilingMeter::Memory {
  explicit Memory(std::size_t size) : bytes(size) {
    void* mapped =
        ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) return;
    ::madvise(mapped, bytes, MADV_HUGEPAGE);
    data = static_cast<std::byte*>(mapped);
    std::memset(data, 1, bytes);
  }
  ~Memory() {
    if (data != nullptr) ::munmap(data, bytes);
  }
  std::byte* data = nullptr;
  std::size_t bytes;
};

CeilingMeter::CeilingMeter(int threads)
    : threads_(threads),
      memory_(std::make_unique<Memory>(static_cast<std::size_t>(threads) * kBytes)) {}
CeilingMeter::~CeilingMeter() = default;

double CeilingMeter::ReadGbPerS() {
  if (memory_->data == nullptr || !__builtin_cpu_supports("avx2")) return 0;
  return Rate(threads_, kBytes * 1e-9,
              [&](int t) { Stream(memory_->data + static_cast<std::size_t>(t) * kBytes); });
}

double CeilingMeter::F32GflopPerS() {
  if (__builtin_cpu_supports("avx512f")) {
    return Rate(threads_, kProducts * 32, [](int) { FmaAvx512(); });
  }
  if (!__builtin_cpu_supports("avx2")) return 0;
  return Rate(threads_, kProducts * 16, [](int) { FmaAvx2(); });
}

double CeilingMeter::Int8GopPerS() {
  if (__builtin_cpu_supports("avx512vnni")) {
    return Rate(threads_, kProducts * 128, [](int) { BytesAvx512(); });
  }
  if (!__builtin_cpu_supports("avx2")) return 0;
  return Rate(threads_, kProducts * 64, [](int) { BytesAvx2(); });
}

double CeilingMeter::Bf16GopPerS() {
  if (!__builtin_cpu_supports("avx512bf16")) return 0;
  return Rate(threads_, kProducts * 64, [](int) { Bf16Avx512(); });
}

Ceilings CeilingMeter::All() {
  return {.read_gb_per_s = ReadGbPerS(),
          .f32_gflop_per_s = F32GflopPerS(),
          .int8_gop_per_s = Int8GopPerS(),
          .bf16_gop_per_s = Bf16GopPerS()};
}

}  // namespace citeseek::inference
