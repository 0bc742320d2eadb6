#include "tests/support/golden_tokenizers.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "tests/support/shared.h"
#include "tests/support/unpacked.h"

namespace citeseek {

std::vector<std::string> GoldenTokenizerNames() {
  std::vector<std::string> names;
  if (const auto shared = SharedDirectory()) {
    for (const auto& entry :
         std::filesystem::directory_iterator(*shared / "golden" / "tokenization")) {
      const std::string name = entry.path().stem().string();
      if (name != "strings") names.push_back(name);
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string GoldenTokenizerJson(const std::string& name) {
  const auto folder = SharedDirectory().value() / "golden" / "tokenizers" / name;
  if (exists(folder / "tokenizer.json")) return ReadFile(folder / "tokenizer.json");
  if (exists(folder / "tokenizer.json.xz")) return Unpack(folder / "tokenizer.json.xz");
  // A patch replaces added tokens of another tokenizer by id.
  const auto patch = nlohmann::json::parse(ReadFile(folder / "tokenizer.patch.json"));
  auto json = nlohmann::json::parse(GoldenTokenizerJson(patch["base"]));
  std::map<int, nlohmann::json> tokens;
  for (const auto& token : json["added_tokens"]) tokens[token["id"]] = token;
  for (const auto& token : patch["set_added_tokens"]) tokens[token["id"]] = token;
  json["added_tokens"] = nlohmann::json::array();
  for (const auto& [id, token] : tokens) json["added_tokens"].push_back(token);
  return json.dump();
}

}  // namespace citeseek
