// Golden: the expected outputs of small models in the real architectures, made by independent
// reference implementations (shared/golden, see its README for the tolerances).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "inference/model/json.h"
#include "tests/support/shared.h"

namespace citeseek::inference {

struct Golden {
  std::filesystem::path folder;  // config.json, weights
  Json expected;
};

// All whose "kind" is this one; empty where the shared directory is absent.
inline std::vector<Golden> Goldens(std::string_view kind) {
  std::vector<Golden> out;
  const auto shared = SharedDirectory();
  if (!shared.has_value() || !std::filesystem::exists(*shared / "golden")) return out;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(*shared / "golden")) {
    if (entry.path().filename() != "expected.json") continue;
    auto json = ParseJson(ReadFile(entry.path()), entry.path().string());
    if (!json.ok()) throw std::runtime_error(std::string(json.status().message()));
    const Json* found = json->Find("kind");
    if (found == nullptr || found->String() == nullptr || *found->String() != kind) continue;
    out.push_back({entry.path().parent_path(), *std::move(json)});
  }
  return out;
}

inline double Number(const Json& json) {
  if (json.Int() != nullptr) return static_cast<double>(*json.Int());
  if (json.Double() == nullptr) throw std::runtime_error("not a number");
  return *json.Double();
}

inline const Json& At(const Json& json, std::string_view key) {
  const Json* found = json.Find(key);
  if (found == nullptr) throw std::runtime_error("no member " + std::string(key));
  return *found;
}

inline const JsonArray& List(const Json& json) {
  if (json.Array() == nullptr) throw std::runtime_error("not a list");
  return *json.Array();
}

inline std::vector<float> Floats(const Json& json) {
  std::vector<float> out;
  for (const Json& item : List(json)) out.push_back(static_cast<float>(Number(item)));
  return out;
}

inline std::vector<std::int32_t> Ids(const Json& json) {
  std::vector<std::int32_t> out;
  for (const Json& item : List(json)) out.push_back(static_cast<std::int32_t>(Number(item)));
  return out;
}

}  // namespace citeseek::inference
