#include "services/config.h"

#include <yaml-cpp/yaml.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace citeseek::services {
namespace {

struct RoleName {
  ServiceRole role;
  const char* name;
};
constexpr RoleName kRoleNames[] = {{ServiceRole::kGateway, "gateway"},
                                   {ServiceRole::kRetrieval, "retrieval"},
                                   {ServiceRole::kIndexer, "indexer"},
                                   {ServiceRole::kInference, "inference"}};

absl::StatusOr<ServiceRole> ParseRole(std::string_view text) {
  for (const RoleName& role : kRoleNames) {
    if (text == role.name) return role.role;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("role '", std::string(text),
                   "' is unknown; allowed: gateway, retrieval, indexer, inference"));
}

// Reads one node into the config; says where the node is when it is wrong.
class Reader {
 public:
  explicit Reader(std::string file) : file_(std::move(file)) {}

  using Field = std::function<absl::Status(const YAML::Node&)>;
  using Fields = std::map<std::string, Field>;

  absl::Status Error(const YAML::Mark& mark, const std::string& message) const {
    return absl::InvalidArgumentError(
        absl::StrCat(file_, ":", mark.line + 1, ":", mark.column + 1, ": ", message));
  }

  absl::Status ReadMap(const YAML::Node& node, const std::string& name,
                       const Fields& fields) const {
    if (!node.IsMap()) return Error(node.Mark(), name + " is not a map of keys to values");
    for (const auto& entry : node) {
      if (!entry.first.IsScalar()) return Error(entry.first.Mark(), "key is not a word");
      const auto field = fields.find(entry.first.Scalar());
      if (field == fields.end()) {
        const auto key = [](std::string* out, const auto& f) { out->append(f.first); };
        return Error(entry.first.Mark(),
                     absl::StrCat("unknown key '", entry.first.Scalar(), "' in ", name,
                                  "; allowed: ", absl::StrJoin(fields, ", ", key)));
      }
      if (auto status = field->second(entry.second); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

  Field Text(const char* name, std::string& to) const {
    return [this, name, &to](const YAML::Node& node) {
      if (!node.IsScalar()) return Error(node.Mark(), absl::StrCat(name, " is not a text"));
      to = node.Scalar();
      return absl::OkStatus();
    };
  }

  Field Address(const char* name, std::string& to) const {
    return [this, name, &to](const YAML::Node& node) {
      if (!node.IsScalar()) return Error(node.Mark(), absl::StrCat(name, " is not a text"));
      to = node.Scalar();
      const auto status = CheckAddress(name, to);
      return status.ok() ? status : Error(node.Mark(), std::string(status.message()));
    };
  }

  template <class Number>
  Field InRange(const char* name, Number low, Number high, Number& to) const {
    return [=, this, &to](const YAML::Node& node) {
      std::int64_t value = 0;
      if (!node.IsScalar() || !absl::SimpleAtoi(node.Scalar(), &value)) {
        return Error(node.Mark(), absl::StrCat(name, " is not a whole number"));
      }
      if (value < static_cast<std::int64_t>(low) || value > static_cast<std::int64_t>(high)) {
        return Error(node.Mark(),
                     absl::StrCat(name, " ", value, " is not in [", low, ", ", high, "]"));
      }
      to = static_cast<Number>(value);
      return absl::OkStatus();
    };
  }

  Field Size(const char* name, std::int64_t& to) const {
    return [=, this, &to](const YAML::Node& node) {
      const auto size = node.IsScalar() ? ParseSize(node.Scalar())
                                        : absl::InvalidArgumentError("it is not a size");
      if (!size.ok()) {
        return Error(node.Mark(), absl::StrCat(name, ": ", std::string(size.status().message())));
      }
      to = *size;
      return absl::OkStatus();
    };
  }

  Field SizeOrNone(const char* name, std::int64_t& to) const {
    return [size = Size(name, to), &to](const YAML::Node& node) {
      if (!node.IsScalar() || node.Scalar() != "0") return size(node);
      to = 0;
      return absl::OkStatus();
    };
  }

  Field Duration(const char* name, absl::Duration least, absl::Duration& to) const {
    return [=, this, &to](const YAML::Node& node) {
      absl::Duration value;
      if (!node.IsScalar() || !absl::ParseDuration(node.Scalar(), &value)) {
        return Error(node.Mark(), absl::StrCat(name, " is not a duration like 168h or 30m"));
      }
      if (value < least) {
        return Error(node.Mark(), absl::StrCat(name, " ", absl::FormatDuration(value),
                                               " is less than ", absl::FormatDuration(least)));
      }
      to = value;
      return absl::OkStatus();
    };
  }

  Field OneOf(const char* name, std::vector<std::string> allowed, std::string& to) const {
    return [=, this, &to](const YAML::Node& node) {
      for (const std::string& value : allowed) {
        if (node.IsScalar() && node.Scalar() == value) {
          to = value;
          return absl::OkStatus();
        }
      }
      return Error(node.Mark(),
                   absl::StrCat(name, " is not one of ", absl::StrJoin(allowed, ", ")));
    };
  }

  Field Roles(std::set<ServiceRole>& to) const {
    return [this, &to](const YAML::Node& node) {
      if (!node.IsSequence()) return Error(node.Mark(), "roles is not a list");
      to.clear();
      for (const YAML::Node& item : node) {
        if (!item.IsScalar()) return Error(item.Mark(), "role is not a word");
        const auto role = ParseRole(item.Scalar());
        if (!role.ok()) return Error(item.Mark(), std::string(role.status().message()));
        to.insert(*role);
      }
      if (to.empty()) return Error(node.Mark(), "roles is empty");
      return absl::OkStatus();
    };
  }

  Field TextList(const char* name, std::vector<std::string>& to) const {
    return [this, name, &to](const YAML::Node& node) {
      if (!node.IsSequence()) return Error(node.Mark(), absl::StrCat(name, " is not a list"));
      for (const YAML::Node& item : node) {
        if (!item.IsScalar()) return Error(item.Mark(), absl::StrCat(name, " holds no text"));
        to.push_back(item.Scalar());
      }
      return absl::OkStatus();
    };
  }

  Field Time(const char* name, absl::Time& to) const {
    return [this, name, &to](const YAML::Node& node) {
      std::string error;
      if (node.IsScalar() && absl::ParseTime(absl::RFC3339_full, node.Scalar(), &to, &error)) {
        return absl::OkStatus();
      }
      return Error(node.Mark(), absl::StrCat(name, " is not a time like 2027-01-31T00:00:00Z"));
    };
  }

  Field Keys(std::vector<KeyConfig>& to) const {
    return [this, &to](const YAML::Node& node) {
      if (!node.IsSequence()) return Error(node.Mark(), "keys is not a list");
      for (const YAML::Node& item : node) {
        KeyConfig key;
        const auto status = ReadMap(
            item, "a key",
            {{"name", Text("name", key.name)},
             {"sha256", Text("sha256", key.sha256)},
             {"expires", Time("expires", key.expires)},
             {"requests_per_minute",
              InRange("requests_per_minute", 1, 1'000'000, key.requests_per_minute)},
             {"tokens_per_minute", InRange<std::int64_t>("tokens_per_minute", 1, 1'000'000'000,
                                                         key.tokens_per_minute)}});
        if (!status.ok()) return status;
        if (key.name.empty()) return Error(item.Mark(), "a key has no name");
        to.push_back(std::move(key));
      }
      return absl::OkStatus();
    };
  }

  Field Tls(const char* name, TlsConfig& to) const {
    return Map(name, {{"certificate", Text("certificate", to.certificate)},
                      {"key", Text("key", to.key)},
                      {"authority", Text("authority", to.authority)}});
  }

  Field Map(std::string name, Fields fields) const {
    return [this, name = std::move(name), fields = std::move(fields)](const YAML::Node& node) {
      return ReadMap(node, name, fields);
    };
  }

 private:
  const std::string file_;
};

absl::StatusOr<std::string> ReadWhole(const std::string& what, const std::string& path) {
  const std::string name = absl::StrCat(what, " ", path, " cannot be read");
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    return absl::InvalidArgumentError(name + ": it is a directory");
  }
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::ErrnoToStatus(errno, name);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

}  // namespace

absl::StatusOr<Config> ParseConfig(std::string_view yaml, const std::string& name) {
  Config config;
  const Reader reader(name);
  try {
    const YAML::Node root = YAML::Load(std::string(yaml));
    if (root.IsNull()) return config;
    const auto status = reader.ReadMap(
        root, "the configuration",
        {{"data", reader.Text("data", config.data)},
         {"listen", reader.Address("listen", config.listen)},
         {"metrics", reader.Address("metrics", config.metrics)},
         {"log", reader.OneOf("log", {"debug", "info", "warn", "error", "off"}, config.log)},
         {"roles", reader.Roles(config.roles)},
         {"remotes",
          reader.Map("remotes",
                     {{"gateway", reader.Address("gateway", config.remotes.gateway)},
                      {"retrieval", reader.Address("retrieval", config.remotes.retrieval)},
                      {"indexer", reader.Address("indexer", config.remotes.indexer)},
                      {"inference", reader.Address("inference", config.remotes.inference)}})},
         {"tls", reader.Tls("tls", config.tls)},
         {"openai",
          reader.Map("openai", {{"url", reader.Text("url", config.openai.url)},
                                {"model", reader.Text("model", config.openai.model)},
                                {"key_file", reader.Text("key_file", config.openai.key_file)}})},
         {"engine",
          reader.Map(
              "engine",
              {{"model", reader.Text("model", config.engine.model)},
               {"embedder", reader.Text("embedder", config.engine.embedder)},
               {"reranker", reader.Text("reranker", config.engine.reranker)},
               {"quantize", reader.OneOf("quantize", {"q8", "q5", "q4"}, config.engine.quantize)},
               {"kv_memory", reader.Size("kv_memory", config.engine.kv_memory)},
               {"threads", reader.InRange("threads", 1, 1024, config.engine.threads)},
               {"device", reader.OneOf("device", {"cpu", "cuda", "auto"}, config.engine.device)}})},
         {"http",
          reader.Map("http", {{"listen", reader.Address("http listen address", config.http.listen)},
                              {"tls", reader.Tls("http.tls", config.http.tls)},
                              {"cors", reader.TextList("cors", config.http.cors)},
                              {"keys", reader.Keys(config.http.keys)},
                              {"max_body", reader.Size("max_body", config.http.max_body)},
                              {"connections", reader.InRange("connections", 1, 1'000'000,
                                                             config.http.connections)}})},
         {"limits",
          reader.Map(
              "limits",
              {{"workers", reader.InRange("workers", 1, 1024, config.limits.workers)},
               {"queue", reader.InRange<std::size_t>("queue", 1, 65536, config.limits.queue_limit)},
               {"model_calls", reader.InRange("model_calls", 0, 256, config.limits.model_calls)},
               {"questions",
                reader.InRange<std::size_t>("questions", 1, 4096, config.limits.questions)},
               {"patience_s", reader.InRange("patience_s", 1, 600, config.limits.patience_s)},
               {"grace_s", reader.InRange("grace_s", 0, 3600, config.limits.grace_s)},
               {"session_ttl",
                reader.Duration("session_ttl", absl::Minutes(1), config.limits.session_ttl)},
               {"answer_cache", reader.SizeOrNone("answer_cache", config.limits.answer_cache)}})}});
    if (!status.ok()) return status;
    if (!config.openai.url.empty() && !config.engine.model.empty()) {
      return reader.Error(root["engine"].Mark(),
                          "openai and engine.model are two models for one answer: name one");
    }
  } catch (const YAML::Exception& error) {
    return reader.Error(error.mark, error.msg);
  }
  return config;
}

absl::StatusOr<Config> ReadConfig(const std::string& path) {
  const auto yaml = ReadWhole("config file", path);
  if (!yaml.ok()) return yaml.status();
  return ParseConfig(*yaml, path);
}

absl::StatusOr<std::set<ServiceRole>> ParseRoles(std::string_view list) {
  std::set<ServiceRole> roles;
  for (const std::string& name : std::vector<std::string>(absl::StrSplit(std::string(list), ','))) {
    const auto role = ParseRole(name);
    if (!role.ok()) return role.status();
    roles.insert(*role);
  }
  return roles;
}

absl::StatusOr<std::int64_t> ParseSize(std::string_view text) {
  const std::size_t digits = text.find_first_not_of("0123456789.");
  double number = 0;
  std::size_t power = 0;
  bool good = absl::SimpleAtod(std::string(text.substr(0, digits)), &number);
  if (good && digits != std::string_view::npos) {
    const std::string unit = absl::AsciiStrToUpper(
        std::string(absl::StripAsciiWhitespace(std::string(text.substr(digits)))));
    static constexpr std::string_view kLetters = "BKMGT";
    power = kLetters.find(unit.empty() ? '?' : unit[0]);
    const std::string rest = unit.substr(std::min<std::size_t>(1, unit.size()));
    good = power != std::string_view::npos &&
           (rest.empty() || (power > 0 && (rest == "B" || rest == "IB")));
  }
  for (std::size_t i = 0; good && i < power; ++i) number *= 1024;
  if (!good || number < 1 || number > 9e18) {
    return absl::InvalidArgumentError(
        absl::StrCat("size '", std::string(text), "' is not like 512MiB, 1.5GiB or 1073741824"));
  }
  return static_cast<std::int64_t>(number);
}

absl::Status CheckAddress(std::string_view what, std::string_view address) {
  const std::size_t colon = address.rfind(':');
  int port = -1;
  if (colon == std::string_view::npos || colon == 0 ||
      !absl::SimpleAtoi(std::string(address.substr(colon + 1)), &port) || port < 0 ||
      port > 65535) {
    return absl::InvalidArgumentError(absl::StrCat(std::string(what), " '", std::string(address),
                                                   "' is not HOST:PORT with a port in [0, 65535]"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadOpenAiKey(const OpenAiConfig& config) {
  if (!config.key_file.empty()) {
    auto key = ReadWhole("key file", config.key_file);
    if (key.ok()) absl::StripAsciiWhitespace(&*key);
    return key;
  }
  const char* key = std::getenv("CITESEEK_OPENAI_KEY");
  return std::string(key == nullptr ? "" : key);
}

}  // namespace citeseek::services
