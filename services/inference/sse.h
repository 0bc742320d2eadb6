// SseReader: turns the bytes of a text/event-stream into the data of its events.
//
// As in the HTML standard, 9.2.6: LF, CRLF and CR end lines, "data" lines are joined by LF, other
// fields and comments are skipped, an event that the end cuts off is lost. Single-threaded. Errors:
// kResourceExhausted (an event longer than kMaxEventBytes).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace citeseek::services {

inline constexpr std::size_t kMaxEventBytes = 4 << 20;

class SseReader {
 public:
  // Appends the data of each event that `bytes` completes.
  absl::Status Feed(std::string_view bytes, std::vector<std::string>* events);

 private:
  void EndLine(std::vector<std::string>* events);

  std::string line_;
  std::string data_;
  bool has_data_ = false;
  bool after_cr_ = false;  // an LF now belongs to the CR before
  bool at_start_ = true;   // a byte order mark may come
};

}  // namespace citeseek::services
