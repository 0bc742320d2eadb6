#include "services/inference/sse.h"

#include "absl/strings/str_cat.h"

namespace citeseek::services {

absl::Status SseReader::Feed(std::string_view bytes, std::vector<std::string>* events) {
  while (!bytes.empty()) {
    if (after_cr_ && bytes[0] == '\n') bytes.remove_prefix(1);
    after_cr_ = false;
    const std::size_t end = bytes.find_first_of("\r\n");
    line_ += bytes.substr(0, end);
    if (line_.size() + data_.size() > kMaxEventBytes) {
      return absl::ResourceExhaustedError(
          absl::StrCat("event is longer than the limit of ", kMaxEventBytes, " bytes"));
    }
    if (end == std::string_view::npos) break;
    after_cr_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    EndLine(events);
  }
  return absl::OkStatus();
}

void SseReader::EndLine(std::vector<std::string>* events) {
  std::string_view line = line_;
  if (at_start_ && line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
  at_start_ = false;
  if (line.empty()) {
    if (has_data_) events->push_back(std::move(data_));
    data_.clear();
    has_data_ = false;
  } else if (line.starts_with("data:") || line == "data") {
    line.remove_prefix(std::min<std::size_t>(5, line.size()));
    if (line.starts_with(' ')) line.remove_prefix(1);
    if (has_data_) data_ += '\n';
    data_ += line;
    has_data_ = true;
  }
  line_.clear();
}

}  // namespace citeseek::services
