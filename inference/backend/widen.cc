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

std::int8_t Code(int value) { return static_cast<std::int8_t>(value); }

void SetScale(float scale, float min, QuantGroup& group) {
  group.scales[0] = group.scales[1] = scale;
  group.mins[0] = group.mins[1] = min;
}

// Codes of four bits, the first half of the group in the low halves of 16 bytes.
void TakeHalves(const std::byte* pairs, QuantGroup& group) {
  for (int i = 0; i < 16; ++i) {
    group.codes[i] = Code(Byte(pairs, i) & 15);
    group.codes[i + 16] = Code(Byte(pairs, i) >> 4);
  }
}

// A fifth bit for each code.
void AddHighBits(const std::byte* bits, QuantGroup& group) {
  for (int i = 0; i < 32; ++i) {
    group.codes[i] = Code(group.codes[i] | ((Byte(bits, i / 8) >> (i % 8)) & 1) << 4);
  }
}

void AddToCodes(int offset, QuantGroup& group) {
  for (std::int8_t& code : group.codes) code = Code(code + offset);
}

// IQ4's levels.
void LookUpCodes(QuantGroup& group) {
  constexpr std::int8_t kLevels[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                       1,    13,   25,  38,  53,  69,  89,  113};
  for (std::int8_t& code : group.codes) code = kLevels[code];
}

// Codes of `bits` bits from `shift` on of 32 bytes.
void TakeBits(const std::byte* bytes, int shift, int bits, QuantGroup& group) {
  for (int i = 0; i < 32; ++i) {
    group.codes[i] = Code((Byte(bytes, i) >> shift) & ((1 << bits) - 1));
  }
}

// The 6-bit scale and min of a group of Q4_K or Q5_K: the first four lie whole in bytes 0-7, the
// upper bits of the last four lie in the top bits of those.
void SetPackedScale(const std::byte* block, int index, QuantGroup& group) {
  const std::byte* packed = block + 4;
  int scale = Byte(packed, index) & 63;
  int min = Byte(packed, index + 4) & 63;
  if (index >= 4) {
    const int both = Byte(packed, index + 4);
    scale = (both & 15) | ((Byte(packed, index - 4) >> 6) << 4);
    min = (both >> 4) | ((Byte(packed, index) >> 6) << 4);
  }
  SetScale(LoadF16(block) * static_cast<float>(scale), LoadF16(block + 2) * static_cast<float>(min),
           group);
}

// 16 bytes of scales and minima of 16 weights, 64 bytes of codes.
void UnpackQ2_K(const std::byte* block, int index, QuantGroup& group) {
  TakeBits(block + 16 + 32 * (index / 4), 2 * (index % 4), 2, group);
  for (int half = 0; half < 2; ++half) {
    const int both = Byte(block, 2 * index + half);
    group.scales[half] = LoadF16(block + 80) * static_cast<float>(both & 15);
    group.mins[half] = LoadF16(block + 82) * static_cast<float>(both >> 4);
  }
}

// 32 bytes of high bits, 64 of low bits, 12 of scales of 16 weights: eight times two halves of four
// bits, then their upper bits.
void UnpackQ3_K(const std::byte* block, int index, QuantGroup& group) {
  TakeBits(block + 32 + 32 * (index / 4), 2 * (index % 4), 2, group);
  for (int i = 0; i < 32; ++i) {
    if (((Byte(block, i) >> index) & 1) == 0) group.codes[i] = Code(group.codes[i] - 4);
  }
  const std::byte* packed = block + 96;
  for (int half = 0; half < 2; ++half) {
    const int at = 2 * index + half;
    const int low = (Byte(packed, at % 8) >> (4 * (at / 8))) & 15;
    const int high = (Byte(packed, 8 + at % 4) >> (2 * (at / 4))) & 3;
    group.scales[half] = LoadF16(block + 108) * static_cast<float>((low | high << 4) - 32);
    group.mins[half] = 0;
  }
}

// Each half of the block: 64 bytes of low bits, 32 bytes of high pairs; 16 scales of 16 weights.
void UnpackQ6_K(const std::byte* block, int index, QuantGroup& group) {
  const int half = index / 4;
  const int quarter = index % 4;
  const std::byte* low = block + 64 * half + 32 * (quarter % 2);
  const std::byte* high = block + 128 + 32 * half;
  for (int i = 0; i < 32; ++i) {
    const int code =
        ((Byte(low, i) >> (4 * (quarter / 2))) & 15) | ((Byte(high, i) >> (2 * quarter)) & 3) << 4;
    group.codes[i] = Code(code - 32);
  }
  for (int part = 0; part < 2; ++part) {
    const auto scale = static_cast<std::int8_t>(Byte(block, 192 + 2 * index + part));
    group.scales[part] = LoadF16(block + 208) * static_cast<float>(scale);
    group.mins[part] = 0;
  }
}

// 16 bits of upper, 4 bytes of lower halves of the scales, then the codes.
void UnpackIQ4_XS(const std::byte* block, int index, QuantGroup& group) {
  TakeHalves(block + 8 + 16 * index, group);
  LookUpCodes(group);
  const int low = (Byte(block, 4 + index / 2) >> (4 * (index % 2))) & 15;
  const int high = (Load<std::uint16_t>(block + 2) >> (2 * index)) & 3;
  SetScale(LoadF16(block) * static_cast<float>((low | high << 4) - 32), 0, group);
}

}  // namespace

QuantGroup UnpackGroup(DType dtype, const std::byte* block, int index) {
  QuantGroup group = {};
  switch (dtype) {
    case DType::kQ8_0:
      std::memcpy(group.codes, block + 2, sizeof(group.codes));
      SetScale(LoadF16(block), 0, group);
      break;
    case DType::kQ4_0:
      TakeHalves(block + 2, group);
      AddToCodes(-8, group);
      SetScale(LoadF16(block), 0, group);
      break;
    case DType::kQ4_1:
      TakeHalves(block + 4, group);
      SetScale(LoadF16(block), -LoadF16(block + 2), group);
      break;
    case DType::kQ5_0:
      TakeHalves(block + 6, group);
      AddHighBits(block + 2, group);
      AddToCodes(-16, group);
      SetScale(LoadF16(block), 0, group);
      break;
    case DType::kQ5_1:
      TakeHalves(block + 8, group);
      AddHighBits(block + 4, group);
      SetScale(LoadF16(block), -LoadF16(block + 2), group);
      break;
    case DType::kQ2_K:
      UnpackQ2_K(block, index, group);
      break;
    case DType::kQ3_K:
      UnpackQ3_K(block, index, group);
      break;
    case DType::kQ4_K:
      TakeBits(block + 16 + 32 * (index / 2), 4 * (index % 2), 4, group);
      SetPackedScale(block, index, group);
      break;
    case DType::kQ5_K:
      TakeBits(block + 48 + 32 * (index / 2), 4 * (index % 2), 4, group);
      for (int i = 0; i < 32; ++i) {
        const int high = (Byte(block, 16 + i) >> index) & 1;
        group.codes[i] = Code(group.codes[i] | high << 4);
      }
      SetPackedScale(block, index, group);
      break;
    case DType::kQ6_K:
      UnpackQ6_K(block, index, group);
      break;
    case DType::kIQ4_NL:
      TakeHalves(block + 2, group);
      LookUpCodes(group);
      SetScale(LoadF16(block), 0, group);
      break;
    case DType::kIQ4_XS:
      UnpackIQ4_XS(block, index, group);
      break;
    default:
      break;
  }
  return group;
}

void WidenGroup(const QuantGroup& group, float* out) {
  for (int i = 0; i < 32; ++i) {
    out[i] = group.scales[i / 16] * static_cast<float>(group.codes[i]) - group.mins[i / 16];
  }
}

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
    case DType::kOther:
      return;
    default:
      break;
  }
  const BlockShape block = BlockOf(dtype);
  for (std::size_t i = 0; i + 32 <= out.size(); i += 32) {
    const auto at = static_cast<std::int64_t>(i);
    WidenGroup(UnpackGroup(dtype, source + at / block.weights * block.bytes,
                           static_cast<int>(at % block.weights / 32)),
               out.data() + i);
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
