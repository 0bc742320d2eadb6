#include "inference/text/stop_strings.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "inference/utf8.h"

namespace citeseek::inference {
namespace {

constexpr std::size_t kMaxStops = 16;
constexpr std::size_t kMaxStopBytes = 1024;

// The bytes at the end of `text` that could be the start of `stop`.
std::size_t Overlap(std::string_view text, std::string_view stop) {
  std::size_t length = std::min(text.size(), stop.size() - 1);
  while (length > 0 && !text.ends_with(stop.substr(0, length))) --length;
  return length;
}

}  // namespace

std::string StopStrings::Push(std::string_view piece) {
  if (stopped_) return "";
  held_ += piece;
  std::size_t first_end = std::string::npos;
  std::size_t begin = 0;
  for (const std::string& stop : stops_) {
    const std::size_t at = held_.find(stop);
    if (at == std::string::npos) continue;
    const std::size_t end = at + stop.size();
    if (end < first_end || (end == first_end && at < begin)) {
      first_end = end;
      begin = at;
    }
  }
  if (first_end != std::string::npos) {
    stopped_ = true;
    held_.resize(begin);
    return std::exchange(held_, {});
  }
  std::size_t hold = 0;
  for (const std::string& stop : stops_) hold = std::max(hold, Overlap(held_, stop));
  std::string out = held_.substr(0, held_.size() - hold);
  held_.erase(0, out.size());
  return out;
}

std::string StopStrings::Finish() { return std::exchange(held_, {}); }

absl::Status CheckStopStrings(const std::vector<std::string>& stops) {
  if (stops.size() > kMaxStops) {
    return absl::InvalidArgumentError(
        absl::StrCat(stops.size(), " stop strings are more than ", kMaxStops));
  }
  for (const std::string& stop : stops) {
    if (stop.empty() || stop.size() > kMaxStopBytes || !IsValidUtf8(stop)) {
      return absl::InvalidArgumentError(absl::StrCat("a stop string of ", stop.size(),
                                                     " bytes is not UTF-8 of [1, ", kMaxStopBytes,
                                                     "] bytes"));
    }
  }
  return absl::OkStatus();
}

}  // namespace citeseek::inference
