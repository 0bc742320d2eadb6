#include "inference/batch/citation_markers.h"

#include <algorithm>
#include <array>

namespace citeseek::inference {
namespace {

constexpr std::array<std::string_view, 3> kLabels = {"citation", "source", "webpage"};
constexpr int kLabelStates = 16;  // of one label: so many of its bytes were read

// States. Below: inside a label; above kNumber: inside a number of that value.
constexpr int kForbidden = -1;
constexpr int kText = 0;
constexpr int kOpen = 1;  // a number may begin
// The bytes E3, E3 80, EF or EF BC were read, of "【" and "［".
constexpr int kE3 = 2, kE380 = 3, kEF = 4, kEFBC = 5;
constexpr int kNext = 6;  // behind a number and a comma or the like: another may begin
constexpr int kLabel = 16;
constexpr int kNumber = 128;
static_assert(kLabel + kLabels.size() * kLabelStates <= kNumber);

bool IsDigit(unsigned char c) { return c >= '0' && c <= '9'; }
char Lower(unsigned char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c); }

int StepText(unsigned char byte) {
  return byte == '[' ? kOpen : byte == 0xE3 ? kE3 : byte == 0xEF ? kEF : kText;
}

}  // namespace

TokenBytes::TokenBytes(const std::vector<std::string>& tokens) {
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    bytes_ += tokens[id];
    ends_.push_back(static_cast<std::uint32_t>(bytes_.size()));
    if (std::any_of(tokens[id].begin(), tokens[id].end(),
                    [](char c) { return IsDigit(static_cast<unsigned char>(c)); })) {
      with_digits_.push_back(static_cast<std::int32_t>(id));
    }
  }
}

std::string_view TokenBytes::Of(std::int32_t id) const {
  const auto index = static_cast<std::size_t>(id);
  if (id < 0 || index >= ends_.size()) return "";
  const std::uint32_t begin = index == 0 ? 0 : ends_[index - 1];
  return std::string_view(bytes_).substr(begin, ends_[index] - begin);
}

int CitationMarkers::Step(int state, unsigned char byte) const {
  const bool in_number = state >= kNumber;
  if (in_number || state == kOpen || state == kNext) {
    if (IsDigit(byte)) {
      const int value = (in_number ? state - kNumber : 0) * 10 + (byte - '0');
      return value >= 1 && value <= sources_ ? kNumber + value : kForbidden;
    }
    const auto is_one_of = [&](std::string_view bytes) {
      return bytes.find(static_cast<char>(byte)) != std::string_view::npos;
    };
    if (state != kOpen && is_one_of(" ,;-|&~")) return kNext;
    if (!in_number && is_one_of(" :^")) return state;
    for (std::size_t i = 0; !in_number && i < kLabels.size(); ++i) {
      if (kLabels[i][0] == Lower(byte)) return kLabel + static_cast<int>(i) * kLabelStates + 1;
    }
    return StepText(byte);
  }
  if (state >= kLabel) {
    const std::string_view label =
        kLabels[static_cast<std::size_t>((state - kLabel) / kLabelStates)];
    const auto read = static_cast<std::size_t>((state - kLabel) % kLabelStates);
    if (label[read] != Lower(byte)) return StepText(byte);
    return read + 1 == label.size() ? kOpen : state + 1;
  }
  if (state == kE3 && byte == 0x80) return kE380;
  if (state == kEF && byte == 0xBC) return kEFBC;
  if ((state == kE380 && byte == 0x90) || (state == kEFBC && byte == 0xBB)) return kOpen;
  return StepText(byte);
}

int CitationMarkers::After(int state, std::string_view bytes) const {
  for (std::size_t i = 0; i < bytes.size() && state != kForbidden; ++i) {
    state = Step(state, static_cast<unsigned char>(bytes[i]));
  }
  return state;
}

AllowedTokens CitationMarkers::Next() {
  const auto [it, is_new] = forbidden_.try_emplace(state_);
  if (is_new) {
    for (const std::int32_t id : tokens_.with_digits()) {
      if (After(state_, tokens_.Of(id)) == kForbidden) it->second.push_back(id);
    }
  }
  if (it->second.empty()) return {};
  return {.kind = AllowedTokens::Kind::kAllBut, .tokens = it->second};
}

void CitationMarkers::Accept(std::int32_t token) {
  state_ = std::max(After(state_, tokens_.Of(token)), kText);
}

}  // namespace citeseek::inference
