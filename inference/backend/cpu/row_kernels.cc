// Loops over one row: norms, activations, softmax, quantisation, for every target of Highway.
#include "inference/backend/cpu/kernels.h"

#include <algorithm>
#include <bit>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "inference/backend/cpu/row_kernels.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace citeseek::inference::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::CappedTag<float, kPanel>;
using V = hn::Vec<D>;
constexpr int kLanes = static_cast<int>(hn::MaxLanes(D()));

// Calls body(vector of x, i) for whole vectors and once, zero-filled, for the rest.
template <typename Body>
HWY_INLINE void ForVectors(const float* x, int n, const Body& body) {
  int i = 0;
  for (; i + kLanes <= n; i += kLanes) body(hn::LoadU(D(), x + i), i, kLanes);
  if (i < n) {
    HWY_ALIGN float tail[kPanel] = {};
    for (int j = i; j < n; ++j) tail[j - i] = x[j];
    body(hn::Load(D(), tail), i, n - i);
  }
}

HWY_INLINE void StoreFirst(V v, float* y, int count) {
  if (count == kLanes) {
    hn::StoreU(v, D(), y);
    return;
  }
  HWY_ALIGN float tail[kPanel];
  hn::Store(v, D(), tail);
  for (int j = 0; j < count; ++j) y[j] = tail[j];
}

HWY_INLINE V LoadFirst(const float* x, int count) {
  if (count == kLanes) return hn::LoadU(D(), x);
  HWY_ALIGN float tail[kPanel] = {};
  for (int j = 0; j < count; ++j) tail[j] = x[j];
  return hn::Load(D(), tail);
}

HWY_INLINE float Sum(V v) { return hn::GetLane(hn::SumOfLanes(D(), v)); }

const char* Name() { return hwy::TargetName(HWY_TARGET); }

void Normalize(float* y, const float* x, int n, const float* weight, const float* bias, float eps,
               NormKind kind) {
  const float count = static_cast<float>(n);
  float mean = 0;
  if (kind == NormKind::kLayer) {
    V sum = hn::Zero(D());
    ForVectors(x, n, [&](V v, int, int) { sum = hn::Add(sum, v); });
    mean = Sum(sum) / count;
  }
  const V center = hn::Set(D(), mean);
  V squares = hn::Zero(D());
  ForVectors(x, n, [&](V v, int, int valid) {
    const V off = hn::Sub(v, center);
    const V kept = valid == kLanes
                       ? off
                       : hn::IfThenElseZero(hn::FirstN(D(), static_cast<size_t>(valid)), off);
    squares = hn::MulAdd(kept, kept, squares);
  });
  const V factor = hn::Set(D(), 1.0f / std::sqrt(Sum(squares) / count + eps));
  ForVectors(x, n, [&](V v, int i, int valid) {
    V out = hn::Mul(hn::Sub(v, center), factor);
    out = hn::Mul(out, LoadFirst(weight + i, valid));
    if (bias != nullptr) out = hn::Add(out, LoadFirst(bias + i, valid));
    StoreFirst(out, y + i, valid);
  });
}

// e^x, to about one unit in the last place, where it is between 1e-37 and 1e38; beyond that, as
// there. Of two factors 2^n is added to the exponent of the other, a polynomial as in Cephes' expf.
HWY_INLINE V Exp(V x) {
  const D d;
  const hn::RebindToSigned<D> di;
  x = hn::Min(hn::Set(d, 87.5f), hn::Max(hn::Set(d, -85.0f), x));  // a NaN stays
  // The last bits of a number near 2^23 are the nearest integer.
  const V magic = hn::Set(d, 0x1.8p23f);
  const V shifted = hn::MulAdd(x, hn::Set(d, 1.44269504088896341f), magic);
  const V n = hn::Sub(shifted, magic);
  V rest = hn::NegMulAdd(n, hn::Set(d, 0.693359375f), x);  // ln 2 in two parts
  rest = hn::NegMulAdd(n, hn::Set(d, -2.12194440e-4f), rest);
  V poly = hn::MulAdd(hn::Set(d, 1.9875691500e-4f), rest, hn::Set(d, 1.3981999507e-3f));
  poly = hn::MulAdd(poly, rest, hn::Set(d, 8.3334519073e-3f));
  poly = hn::MulAdd(poly, rest, hn::Set(d, 4.1665795894e-2f));
  poly = hn::MulAdd(poly, rest, hn::Set(d, 1.6666665459e-1f));
  poly = hn::MulAdd(poly, rest, hn::Set(d, 5.0000001201e-1f));
  poly = hn::MulAdd(poly, hn::Mul(rest, rest), hn::Add(rest, hn::Set(d, 1.0f)));
  const auto exponent = hn::ShiftLeft<23>(hn::BitCast(di, shifted));
  return hn::BitCast(d, hn::Add(hn::BitCast(di, poly), exponent));
}

HWY_INLINE V Sigmoid(V x) {
  const V one = hn::Set(D(), 1.0f);
  return hn::Div(one, hn::Add(one, Exp(hn::Neg(x))));
}

// Abramowitz and Stegun 7.1.26, absolute error below 1.5e-7.
HWY_INLINE V Erf(V x) {
  const D d;
  const V magnitude = hn::Abs(x);
  const V one = hn::Set(d, 1.0f);
  const V t = hn::Div(one, hn::MulAdd(hn::Set(d, 0.3275911f), magnitude, one));
  V poly = hn::Set(d, 1.061405429f);
  poly = hn::MulAdd(poly, t, hn::Set(d, -1.453152027f));
  poly = hn::MulAdd(poly, t, hn::Set(d, 1.421413741f));
  poly = hn::MulAdd(poly, t, hn::Set(d, -0.284496736f));
  poly = hn::MulAdd(poly, t, hn::Set(d, 0.254829592f));
  const V tail = hn::Mul(hn::Mul(poly, t), Exp(hn::Neg(hn::Mul(magnitude, magnitude))));
  return hn::CopySignToAbs(hn::Max(hn::Sub(one, tail), hn::Zero(d)), x);
}

HWY_INLINE V Tanh(V x) {  // 2 sigmoid(2x) - 1
  const V one = hn::Set(D(), 1.0f);
  const V s = Sigmoid(hn::Add(x, x));
  return hn::Sub(hn::Add(s, s), one);
}

HWY_INLINE V Gelu(V x) {
  const V half = hn::Mul(hn::Set(D(), 0.5f), x);
  return hn::MulAdd(half, Erf(hn::Mul(x, hn::Set(D(), 0.70710678118654752f))), half);
}

HWY_INLINE V GeluTanh(V x) {
  const V cubic = hn::Mul(hn::Set(D(), 0.044715f), hn::Mul(x, hn::Mul(x, x)));
  const V inner = hn::Mul(hn::Set(D(), 0.7978845608028654f), hn::Add(x, cubic));
  const V half = hn::Mul(hn::Set(D(), 0.5f), x);
  return hn::MulAdd(half, Tanh(inner), half);
}

template <typename Function>
HWY_INLINE void ActivateWith(float* y, const float* x, const float* gate, int n,
                             const Function& function) {
  ForVectors(x, n, [&](V v, int i, int valid) {
    V out = function(v);
    if (gate != nullptr) out = hn::Mul(out, LoadFirst(gate + i, valid));
    StoreFirst(out, y + i, valid);
  });
}

void Activated(float* y, const float* x, const float* gate, int n, Nonlinearity nonlinearity) {
  switch (nonlinearity) {
    case Nonlinearity::kSilu:
      ActivateWith(y, x, gate, n, [](V v) { return hn::Mul(v, Sigmoid(v)); });
      return;
    case Nonlinearity::kGelu:
      ActivateWith(y, x, gate, n, [](V v) { return Gelu(v); });
      return;
    case Nonlinearity::kGeluTanh:
      ActivateWith(y, x, gate, n, [](V v) { return GeluTanh(v); });
      return;
    case Nonlinearity::kTanh:
      ActivateWith(y, x, gate, n, [](V v) { return Tanh(v); });
      return;
    case Nonlinearity::kRelu:
      ActivateWith(y, x, gate, n, [](V v) { return hn::Max(v, hn::Zero(D())); });
      return;
  }
}

float ExpMinus(float* x, int n, float max) {
  const V top = hn::Set(D(), max);
  V sum = hn::Zero(D());
  ForVectors(x, n, [&](V v, int i, int valid) {
    V e = Exp(hn::Sub(v, top));
    if (valid != kLanes) e = hn::IfThenElseZero(hn::FirstN(D(), static_cast<size_t>(valid)), e);
    sum = hn::Add(sum, e);
    StoreFirst(e, x + i, valid);
  });
  return Sum(sum);
}

float Maximum(const float* x, int n) {
  V top = hn::Set(D(), x[0]);
  int i = 0;
  for (; i + kLanes <= n; i += kLanes) top = hn::Max(top, hn::LoadU(D(), x + i));
  float max = hn::GetLane(hn::MaxOfLanes(D(), top));
  for (; i < n; ++i) max = x[i] > max ? x[i] : max;
  return max;
}

float Softmax(float* x, int n, float scale, float& max, float& total) {
  const D d;
  // A scale above zero keeps the order, so that the maximum can be scaled instead of all.
  const float top = HWY_MAX(max, scale * Maximum(x, n));
  const V factor = hn::Set(d, scale);
  const V offset = hn::Set(d, top);
  V sum = hn::Zero(d);
  ForVectors(x, n, [&](V v, int i, int valid) {
    V e = Exp(hn::MulSub(v, factor, offset));
    if (valid != kLanes) e = hn::IfThenElseZero(hn::FirstN(d, static_cast<size_t>(valid)), e);
    sum = hn::Add(sum, e);
    StoreFirst(e, x + i, valid);
  });
  const float shrink = max == top ? 1.0f : std::exp(max - top);
  total = total * shrink + Sum(sum);
  max = top;
  return shrink;
}

void Scale(float* x, int n, float factor) {
  const V f = hn::Set(D(), factor);
  ForVectors(x, n, [&](V v, int i, int valid) { StoreFirst(hn::Mul(v, f), x + i, valid); });
}

void AddScaled(float* y, const float* x, int n, float factor) {
  const V f = hn::Set(D(), factor);
  ForVectors(x, n, [&](V v, int i, int valid) {
    StoreFirst(hn::MulAdd(f, v, LoadFirst(y + i, valid)), y + i, valid);
  });
}

// The least power of two that is not below scale, which is above 0, within a range that leaves room
// for a weight's scale.
HWY_INLINE float PowerOfTwoAbove(float scale) {
  const float near = HWY_MIN(HWY_MAX(scale, 0x1p-60f), 0x1p60f);
  return std::bit_cast<float>((std::bit_cast<std::uint32_t>(near) + 0x7fffffu) & 0x7f800000u);
}

void Quantize(const float* x, int k, const QuantInputs& inputs, InputBlock* out) {
  const D d;
  const hn::Rebind<std::int32_t, D> di;
  const hn::Rebind<std::int8_t, D> d8;
  const float most = static_cast<float>(inputs.levels);
  for (int begin = 0; begin < k; begin += kQuantBlock, ++out) {
    HWY_ALIGN float padded[kQuantBlock] = {};
    const float* source = x + begin;
    if (begin + kQuantBlock > k) {
      for (int i = 0; begin + i < k; ++i) padded[i] = source[i];
      source = padded;
    }
    V top = hn::Zero(d);
    for (int i = 0; i < kQuantBlock; i += kLanes) {
      top = hn::Max(top, hn::Abs(hn::LoadU(d, source + i)));
    }
    const float max = hn::GetLane(hn::MaxOfLanes(d, top));
    float scale = max / most;
    if (inputs.power_of_two) scale = PowerOfTwoAbove(scale);
    const V inverse = hn::Set(d, max > 0 ? 1.0f / scale : 0.0f);
    auto sums = hn::Zero(di);
    for (int i = 0; i < kQuantBlock; i += kLanes) {
      const auto rounded = hn::NearestInt(hn::Mul(hn::LoadU(d, source + i), inverse));
      sums = hn::Add(sums, rounded);
      hn::StoreU(hn::DemoteTo(d8, rounded), d8, out->values + i);
    }
    const std::int32_t sum = hn::GetLane(hn::SumOfLanes(di, sums));
    out->scale = scale;
    out->sum = inputs.sum_factor * scale * static_cast<float>(sum);
    out->offset = -128 * sum;
  }
}

}  // namespace citeseek::inference::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace citeseek::inference {

HWY_EXPORT(Name);
HWY_EXPORT(Normalize);
HWY_EXPORT(Activated);
HWY_EXPORT(ExpMinus);
HWY_EXPORT(Maximum);
HWY_EXPORT(Softmax);
HWY_EXPORT(Scale);
HWY_EXPORT(AddScaled);
HWY_EXPORT(Quantize);

void NormRow(float* y, const float* x, int n, const float* weight, const float* bias, float eps,
             NormKind kind) {
  HWY_DYNAMIC_DISPATCH(Normalize)(y, x, n, weight, bias, eps, kind);
}
void ActivateRow(float* y, const float* x, const float* gate, int n, Nonlinearity nonlinearity) {
  HWY_DYNAMIC_DISPATCH(Activated)(y, x, gate, n, nonlinearity);
}
float ExpRow(float* x, int n, float max) { return HWY_DYNAMIC_DISPATCH(ExpMinus)(x, n, max); }
float MaxRow(const float* x, int n) { return HWY_DYNAMIC_DISPATCH(Maximum)(x, n); }
float SoftmaxTile(float* x, int n, float scale, float& max, float& total) {
  return HWY_DYNAMIC_DISPATCH(Softmax)(x, n, scale, max, total);
}
void ScaleRow(float* x, int n, float factor) { HWY_DYNAMIC_DISPATCH(Scale)(x, n, factor); }
void AddScaledRow(float* y, const float* x, int n, float factor) {
  HWY_DYNAMIC_DISPATCH(AddScaled)(y, x, n, factor);
}
void QuantizeRow(const float* x, int k, const QuantInputs& inputs, InputBlock* out) {
  if (inputs.quantize == nullptr) {
    HWY_DYNAMIC_DISPATCH(Quantize)(x, k, inputs, out);
    return;
  }
  const int whole = k / kQuantBlock;
  const int done = whole * kQuantBlock;
  inputs.quantize(x, whole, inputs, out);
  if (done == k) return;
  float padded[kQuantBlock] = {};
  std::copy(x + done, x + k, padded);
  inputs.quantize(padded, 1, inputs, out + whole);
}

std::string InstructionSetName() { return HWY_DYNAMIC_DISPATCH(Name)(); }

}  // namespace citeseek::inference
#endif
