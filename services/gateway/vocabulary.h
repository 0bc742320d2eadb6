// Vocabulary: the closed word classes by which two sentences are compared: units, numerals,
// negations, frames, light words, and Chinese names' marks. Contrasts have a header of their own.
//
// English and Chinese; general words only, no terms of any corpus. Free functions, thread-safe,
// linear time.
#pragma once

#include <cstddef>
#include <string_view>

namespace citeseek::gateway {

// The one name of a unit, however it is spelt; empty for what is no unit.
std::string_view KnownUnit(std::string_view unit);
// Of a unit that multiplies: 6 for "million", 4 for "万"; 0 for others.
int ZerosOf(std::string_view known_unit);

// The value of a number word, of 二 to 十 or 两; -1 for what is none. In lower case.
int NumberWord(std::string_view word);
int HanNumber(std::string_view character);

// A term, as the analyzer gives it, that denies what follows.
bool IsNegation(std::string_view term);
// Bytes of 不, 没有, 尚未 and the like at text[at], the auxiliary behind included; 0: none.
std::size_t NegationAt(std::string_view text, std::size_t at);

// Bytes at the start that only say where the sentence comes from: "According to the document, ".
std::size_t FrameLength(std::string_view text);

// A Chinese word that says little and is put otherwise in other sentences: 位于, 目前, 进行.
bool IsLightWord(std::string_view word);

// Countries, provinces and large cities in Chinese.
bool IsPlaceName(std::string_view word);
// A frequent Chinese surname, of one character.
bool IsSurname(std::string_view character);
// 省, 市, 大学, 教授: what stands behind a name.
bool EndsName(std::string_view text_behind);

// A capitalised word, in lower case, that opens a sentence without being a name.
bool IsOpening(std::string_view lower);

}  // namespace citeseek::gateway
