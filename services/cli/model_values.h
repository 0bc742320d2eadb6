// Model values: token ids and rows of floats, from and to text.
//
// Free functions, thread-safe. Errors: kInvalidArgument, saying what is wrong.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "inference/workbench.h"

namespace citeseek::services {

// "1,2,3" or "[1,2,3]": one list; "[[1,2],[3]]": several. `name` is for errors.
absl::StatusOr<std::vector<std::vector<std::int32_t>>> ParseIdLists(std::string_view text,
                                                                    std::string_view name);

// Lists of ids with their types, which may be left out or have the ids' shape.
absl::StatusOr<std::vector<inference::TokenText>> ParseTokenTexts(std::string_view ids,
                                                                  std::string_view types);

// A line of `model detokenize`: [1,2,3] or {"ids":[1,2,3]}.
absl::StatusOr<std::vector<std::int32_t>> ParseIdLine(std::string_view line);

// A line of `model tokenize`: a JSON string.
absl::StatusOr<std::string> ParseStringLine(std::string_view line);

// [1.5,2]: the shortest digits that give the same float again; null for what JSON has no number
// for.
void AppendFloats(std::span<const float> row, std::string& out);
void AppendIds(std::span<const std::int32_t> ids, std::string& out);
void AppendRows(const inference::Rows& rows, std::string& out);  // [[...],[...]]
void AppendText(std::string_view text, std::string& out);        // a JSON string

}  // namespace citeseek::services
