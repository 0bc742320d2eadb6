// Operations on Text as Python's str has them; user ranges are kept exactly where bytes are.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "inference/model/jinja/value.h"

namespace citeseek::inference::jinja {

// `characters`: what is taken off; nullopt: white space.
Text Strip(const Text& text, std::optional<std::string_view> characters, bool left, bool right);
// max < 0: no limit. Without separator: at runs of white space, ends stripped.
std::vector<Text> Split(const Text& text, std::optional<std::string_view> separator, int max);
std::vector<Text> SplitLines(const Text& text);
Text Replace(const Text& text, std::string_view from, const Text& to, std::int64_t max);
Text Upper(const Text& text);
Text Lower(const Text& text);
Text Capitalize(const Text& text);
Text Title(const Text& text);
std::size_t CountCharacters(std::string_view text);
// The byte offset of each character, then the size.
std::vector<std::size_t> CharacterOffsets(std::string_view text);
bool IsSpace(char32_t c);

}  // namespace citeseek::inference::jinja
