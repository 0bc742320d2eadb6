// Log: turns events into JSON lines on stderr.
//
// Thread-safe. No question and no document text is ever logged: ids, sizes, codes and times are.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

namespace citeseek::services {

struct CallRecord;

enum class LogLevel { kDebug, kInfo, kWarn, kError, kOff };

struct LogField {
  std::string_view key;
  std::string value;
};

class Log {
 public:
  // `level`: "debug", "info", "warn", "error" or "off"; anything else is "info".
  explicit Log(std::string_view level);
  ~Log();

  void Write(LogLevel level, std::string_view event, std::initializer_list<LogField> fields);
  // Debug if it went well, info if the caller was wrong or left, error if we were.
  void WriteCall(const CallRecord& record);

 private:
  struct Sink;
  std::unique_ptr<Sink> sink_;
};

}  // namespace citeseek::services
