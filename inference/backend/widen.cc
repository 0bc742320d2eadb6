#include "inference/backend/widen.h"

#include <bit>
#include <cstring>

namespace citeseek::inference {
namespace {

template <typename T>
T Load(const std::byte* source) {
  T value;
  std::memcpy(&value, source, sizeof(T));
  return value;
}

float LoadF16(const std::byte* source) { return F16ToF32(Load<std::uint16_t>(source)); }

int Byte(const std::byte* source, int index) { return std::to_integer<int>(source[index]); }

void WidenQ8_0(const std::byte* block, float* out) {
  const float scale = LoadF16(block);
  for (int i = 0; i < 32; ++i) {
    out[i] = scale * static_cast<float>(static_cast<std::int8_t>(Byte(block, 2 + i)));
  }
}

void WidenQ4_0(const std::byte* block, float* out) {
  const float scale = LoadF16(block);
  for (int i = 0; i < 16; ++i) {
    const int pair = Byte(block, 2 + i);
    out[i] = scale * static_cast<float>((pair & 15) - 8);
    out[i + 16] = scale * static_cast<float>((pair >> 4) - 8);
  }
}

// The 6-bit scale and min of sub-block index of a K-quant: the first four lie whole in bytes 0-7,
// the upper bits of the last four lie in the top bits of those.
struct ScaleMin {
  int scale;
  int min;
};
ScaleMin SubBlockScale(const std::byte* packed, int index) {
  if (index < 4) return {Byte(packed, index) & 63, Byte(packed, index + 4) & 63};
  const int both = Byte(packed, index + 4);
  return {(both & 15) | ((Byte(packed, index - 4) >> 6) << 4),
          (both >> 4) | ((Byte(packed, index) >> 6) << 4)};
}

void WidenQ4_K(const std::byte* block, float* out) {
  const float scale = LoadF16(block);
  const float min = LoadF16(block + 2);
  for (int sub = 0; sub < 8; ++sub) {
    const ScaleMin packed = SubBlockScale(block + 4, sub);
    const std::byte* nibbles = block + 16 + 32 * (sub / 2);
    const int shift = 4 * (sub % 2);
    for (int i = 0; i < 32; ++i) {
      const int quant = (Byte(nibbles, i) >> shift) & 15;
      out[32 * sub + i] = scale * static_cast<float>(packed.scale) * static_cast<float>(quant) -
                          min * static_cast<float>(packed.min);
    }
  }
}

void WidenQ5_K(const std::byte* block, float* out) {
  const float scale = LoadF16(block);
  const float min = LoadF16(block + 2);
  const std::byte* high = block + 16;
  for (int sub = 0; sub < 8; ++sub) {
    const ScaleMin packed = SubBlockScale(block + 4, sub);
    const std::byte* nibbles = block + 48 + 32 * (sub / 2);
    const int shift = 4 * (sub % 2);
    for (int i = 0; i < 32; ++i) {
      const int quant = ((Byte(nibbles, i) >> shift) & 15) | (((Byte(high, i) >> sub) & 1) << 4);
      out[32 * sub + i] = scale * static_cast<float>(packed.scale) * static_cast<float>(quant) -
                          min * static_cast<float>(packed.min);
    }
  }
}

void WidenQ6_K(const std::byte* block, float* out) {
  const std::byte* scales = block + 192;
  const float scale = LoadF16(block + 208);
  for (int i = 0; i < 256; ++i) {
    const int half = i / 128;  // each half: 64 bytes of low nibbles, 32 bytes of high bit pairs
    const int within = i % 128;
    const int quarter = within / 32;
    const int lane = within % 32;
    const int low =
        (Byte(block, 64 * half + 32 * (quarter % 2) + lane) >> (4 * (quarter / 2))) & 15;
    const int high = (Byte(block, 128 + 32 * half + lane) >> (2 * quarter)) & 3;
    const auto sub_scale = static_cast<std::int8_t>(Byte(scales, i / 16));
    out[i] = scale * static_cast<float>(sub_scale) * static_cast<float>((low | (high << 4)) - 32);
  }
}

void WidenBlocks(void (*widen)(const std::byte*, float*), DType dtype, const std::byte* source,
                 std::span<float> out) {
  const BlockShape block = BlockOf(dtype);
  for (std::size_t i = 0; i + block.weights <= out.size(); i += block.weights) {
    widen(source, out.data() + i);
    source += block.bytes;
  }
}

}  // namespace

void WidenToF32(DType dtype, const std::byte* source, std::span<float> out) {
  switch (dtype) {
    case DType::kF32:
      std::memcpy(out.data(), source, out.size_bytes());
      return;
    case DType::kF16:
      for (std::size_t i = 0; i < out.size(); ++i) out[i] = LoadF16(source + 2 * i);
      return;
    case DType::kBF16:
      for (std::size_t i = 0; i < out.size(); ++i) {
        const std::uint32_t bits = Load<std::uint16_t>(source + 2 * i);
        out[i] = std::bit_cast<float>(bits << 16);
      }
      return;
    case DType::kQ8_0:
      WidenBlocks(WidenQ8_0, dtype, source, out);
      return;
    case DType::kQ4_0:
      WidenBlocks(WidenQ4_0, dtype, source, out);
      return;
    case DType::kQ4_K:
      WidenBlocks(WidenQ4_K, dtype, source, out);
      return;
    case DType::kQ5_K:
      WidenBlocks(WidenQ5_K, dtype, source, out);
      return;
    case DType::kQ6_K:
      WidenBlocks(WidenQ6_K, dtype, source, out);
      return;
    case DType::kOther:
      return;
  }
}

float F16ToF32(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000u) << 16;
  const std::uint32_t exponent = (half >> 10) & 0x1fu;
  const std::uint32_t mantissa = half & 0x3ffu;
  if (exponent == 0) {  // zero or subnormal: mantissa * 2^-24, exact in f32
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
    return sign != 0 ? -magnitude : magnitude;
  }
  const std::uint32_t wide = exponent == 31 ? 0x7f800000u : (exponent + 112u) << 23;
  return std::bit_cast<float>(sign | wide | (mantissa << 13));
}

std::uint16_t F32ToF16(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (bits >> 16) & 0x8000u;
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return static_cast<std::uint16_t>(sign | 0x7e00u);   // NaN
  if (magnitude >= 0x477ff000u) return static_cast<std::uint16_t>(sign | 0x7c00u);  // too large
  if (magnitude <
      0x38800000u) {  // subnormal: adding 0.5 leaves the rounded mantissa in the low bits
    const float shifted = std::bit_cast<float>(magnitude) + 0.5f;
    return static_cast<std::uint16_t>(sign | (std::bit_cast<std::uint32_t>(shifted) - 0x3f000000u));
  }
  const std::uint32_t odd = (magnitude >> 13) & 1u;
  return static_cast<std::uint16_t>(sign | ((magnitude - 0x38000000u + 0xfffu + odd) >> 13));
}

std::uint16_t F32ToBF16(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<std::uint16_t>((bits >> 16) | 0x40u);
  return static_cast<std::uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

}  // namespace citeseek::inference
