// Forms: tells by its form what a sentence is: an instruction, a definition, a line of a program.
//
// Free functions, thread-safe, linear time. English and Chinese.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace citeseek::gateway {

// True of what tells somebody to do something: "Hold the button for ten seconds.", "请更换滤芯".
bool TellsStep(std::string_view text);

// Whether what follows opens a sentence or line: nothing but an article or a mark comes between.
bool OpensSentence(std::string_view before);

// Whether words that follow one another begin with the letters of the acronym.
bool SpellsOut(std::string_view text, std::string_view acronym);

// Whether a sentence opens with a word for what was just told of: "This option", "It", "该".
bool PointsBack(std::string_view text);

// Whether a sentence but tells where to read on: "See the section ...", "参见".
bool PointsElsewhere(std::string_view text);

// Whether text[at], behind a subject, goes on to tell what it is or does: " is a", ": ", "是".
bool TellsWhatItIs(std::string_view text, std::size_t at);

// True of a line of a program or a configuration.
bool LooksLikeCode(std::string_view line);

// The words of ASCII letters, in lower case.
std::vector<std::string> AsciiWords(std::string_view text);

}  // namespace citeseek::gateway
