// StopStrings: turns a text that comes in pieces into the part of it before a stop string.
//
// What could be the start of a stop string is held back until the next piece tells. The first
// string to be complete counts, so that the result does not depend on where the pieces were cut.
// Single-threaded; one per text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace citeseek::inference {

class StopStrings {
 public:
  explicit StopStrings(std::vector<std::string> stops) : stops_(std::move(stops)) {}

  // The text that is certain now; nothing more once stopped() is true.
  std::string Push(std::string_view piece);
  // What was held back; the text ends here.
  std::string Finish();
  bool stopped() const { return stopped_; }

 private:
  const std::vector<std::string> stops_;
  std::string held_;
  bool stopped_ = false;
};

// At most 16, each of 1 to 1,024 bytes of UTF-8.
absl::Status CheckStopStrings(const std::vector<std::string>& stops);

}  // namespace citeseek::inference
