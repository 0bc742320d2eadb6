#include "inference/model/tensor_view.h"

#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace citeseek::inference {

namespace {

struct Traits {
  std::string_view name;
  BlockShape block;
};
constexpr Traits kTraits[] = {
    // in the order of DType
    {"F32", {1, 4}},      {"F16", {1, 2}},      {"BF16", {1, 2}},       {"Q8_0", {32, 34}},
    {"Q4_0", {32, 18}},   {"Q4_1", {32, 20}},   {"Q5_0", {32, 22}},     {"Q5_1", {32, 24}},
    {"Q2_K", {256, 84}},  {"Q3_K", {256, 110}}, {"Q4_K", {256, 144}},   {"Q5_K", {256, 176}},
    {"Q6_K", {256, 210}}, {"IQ4_NL", {32, 18}}, {"IQ4_XS", {256, 136}}, {"other", {}},
};
static_assert(std::size(kTraits) == static_cast<std::size_t>(DType::kOther) + 1);

const Traits& TraitsOf(DType dtype) { return kTraits[static_cast<std::size_t>(dtype)]; }

}  // namespace

std::string_view DTypeName(DType dtype) { return TraitsOf(dtype).name; }

std::string KnownDTypes() {
  std::string names;
  for (const Traits& traits : kTraits) {
    if (traits.block.weights == 0) continue;
    absl::StrAppend(&names, names.empty() ? "" : ", ", std::string(traits.name));
  }
  return names;
}

BlockShape BlockOf(DType dtype) { return TraitsOf(dtype).block; }

std::int64_t ElementCount(std::span<const std::int64_t> shape) {
  constexpr std::int64_t kMax = std::int64_t{1} << 62;
  std::int64_t count = 1;
  for (const std::int64_t n : shape) {
    if (n < 0) return -1;
    if (n == 0) return 0;
    if (count > kMax / n) return -1;
    count *= n;
  }
  return count;
}

std::string ShapeString(std::span<const std::int64_t> shape) {
  return absl::StrCat("[", absl::StrJoin(shape, ", "), "]");
}

}  // namespace citeseek::inference
