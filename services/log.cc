#include "services/log.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <nlohmann/json.hpp>

#include "absl/strings/str_format.h"
#include "services/call_record.h"

namespace citeseek::services {
namespace {

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarn:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
    case LogLevel::kOff:
      break;
  }
  return spdlog::level::off;
}

LogLevel LevelOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return LogLevel::kDebug;
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kDataLoss:
    case absl::StatusCode::kUnknown:
      return LogLevel::kError;
    default:
      return LogLevel::kInfo;
  }
}

}  // namespace

struct Log::Sink {
  spdlog::logger logger{"citeseek", std::make_shared<spdlog::sinks::stderr_sink_mt>()};
};

Log::Log(std::string_view level) : sink_(std::make_unique<Sink>()) {
  sink_->logger.set_level(level == "debug"   ? spdlog::level::debug
                          : level == "warn"  ? spdlog::level::warn
                          : level == "error" ? spdlog::level::err
                          : level == "off"   ? spdlog::level::off
                                             : spdlog::level::info);
  // The payload is the inside of a JSON object: the time and the level come first.
  sink_->logger.set_formatter(std::make_unique<spdlog::pattern_formatter>(
      R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})", spdlog::pattern_time_type::utc));
  sink_->logger.flush_on(spdlog::level::debug);
}

Log::~Log() = default;

void Log::Write(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
  const auto spdlog_level = ToSpdlog(level);
  if (!sink_->logger.should_log(spdlog_level)) return;
  const auto quoted = [](std::string_view text) {
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  };
  std::string line = R"("event":)" + quoted(event);
  for (const LogField& field : fields) line += "," + quoted(field.key) + ":" + quoted(field.value);
  sink_->logger.log(spdlog_level, "{}", line);
}

void Log::WriteCall(const CallRecord& record) {
  Write(LevelOf(record.status), "call",
        {{"method", record.method},
         {"request_id", record.request_id},
         {"trace_id", record.trace_id},
         {"code", absl::StatusCodeToString(record.status.code())},
         {"message", std::string(record.status.message())},
         {"ms", absl::StrFormat("%.3f", absl::ToDoubleMilliseconds(record.duration))}});
}

}  // namespace citeseek::services
