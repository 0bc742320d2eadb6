#include "services/cli/model_values.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace citeseek::services {
namespace {

using Json = nlohmann::json;

absl::StatusOr<std::vector<std::int32_t>> ParseIds(const Json& json, std::string_view name) {
  const auto fail = [&](const std::string& problem) {
    return absl::InvalidArgumentError(absl::StrCat(std::string(name), ": ", problem));
  };
  if (!json.is_array()) return fail("is not a list of token ids");
  std::vector<std::int32_t> ids;
  for (const Json& id : json) {
    if (!id.is_number_integer()) return fail(id.dump() + " is not a token id");
    const bool fits = id.is_number_unsigned()
                          ? id.get<std::uint64_t>() <= std::numeric_limits<std::int32_t>::max()
                          : id.get<std::int64_t>() >= 0;
    if (!fits) return fail(id.dump() + " is not in [0, 2147483647]");
    ids.push_back(id.get<std::int32_t>());
  }
  return ids;
}

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return "";
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

}  // namespace

absl::StatusOr<std::vector<std::vector<std::int32_t>>> ParseIdLists(std::string_view text,
                                                                    std::string_view name) {
  text = Trimmed(text);
  const bool listed = text.starts_with('[');
  const Json json =
      Json::parse(listed ? std::string(text) : absl::StrCat("[", std::string(text), "]"), nullptr,
                  /*allow_exceptions=*/false);
  if (json.is_discarded()) {
    return absl::InvalidArgumentError(
        absl::StrCat(std::string(name), ": neither 1,2,3 nor [1,2,3] nor [[1,2],[3]]"));
  }
  std::vector<std::vector<std::int32_t>> lists;
  const bool nested = !json.empty() && json[0].is_array();
  for (const Json& list : nested ? json : Json::array({json})) {
    auto ids = ParseIds(list, name);
    if (!ids.ok()) return ids.status();
    lists.push_back(*std::move(ids));
  }
  return lists;
}

absl::StatusOr<std::vector<inference::TokenText>> ParseTokenTexts(std::string_view ids,
                                                                  std::string_view types) {
  auto lists = ParseIdLists(ids, "--ids");
  if (!lists.ok()) return lists.status();
  std::vector<inference::TokenText> texts;
  for (auto& list : *lists) texts.push_back({.ids = std::move(list)});
  if (types.empty()) return texts;
  auto type_lists = ParseIdLists(types, "--type-ids");
  if (!type_lists.ok()) return type_lists.status();
  if (type_lists->size() != texts.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--type-ids: ", type_lists->size(), " lists for ", texts.size(), " of --ids"));
  }
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if ((*type_lists)[i].size() != texts[i].ids.size()) {
      return absl::InvalidArgumentError(absl::StrCat("--type-ids: list ", i, " has ",
                                                     (*type_lists)[i].size(), " types for ",
                                                     texts[i].ids.size(), " ids"));
    }
    texts[i].types = std::move((*type_lists)[i]);
  }
  return texts;
}

absl::StatusOr<std::vector<std::int32_t>> ParseIdLine(std::string_view line) {
  const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (json.is_object() && json.contains("ids")) return ParseIds(json["ids"], "ids");
  if (json.is_array()) return ParseIds(json, "ids");
  return absl::InvalidArgumentError("neither [1,2,3] nor {\"ids\":[1,2,3]}");
}

absl::StatusOr<std::string> ParseStringLine(std::string_view line) {
  const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!json.is_string()) return absl::InvalidArgumentError("not a JSON string");
  return json.get<std::string>();
}

void AppendFloats(std::span<const float> row, std::string& out) {
  out += '[';
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (i > 0) out += ',';
    if (!std::isfinite(row[i])) {
      out += "null";
      continue;
    }
    char digits[32];
    const auto end = std::to_chars(digits, digits + sizeof(digits), row[i]).ptr;
    out.append(digits, end);
  }
  out += ']';
}

void AppendIds(std::span<const std::int32_t> ids, std::string& out) {
  out += '[';
  for (std::size_t i = 0; i < ids.size(); ++i) absl::StrAppend(&out, i > 0 ? "," : "", ids[i]);
  out += ']';
}

void AppendRows(const inference::Rows& rows, std::string& out) {
  out += '[';
  for (std::size_t i = 0; i < rows.count(); ++i) {
    if (i > 0) out += ',';
    AppendFloats(rows[i], out);
  }
  out += ']';
}

void AppendText(std::string_view text, std::string& out) {
  out += Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace citeseek::services
