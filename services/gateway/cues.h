// Cues: what the form of a question asks for, and the values that a sentence states.
//
// Free functions, thread-safe, linear time. English and Chinese.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "indexer/document.h"

namespace citeseek::gateway {

enum class AnswerType { kAny, kPerson, kPlace, kDate, kNumber, kReason };

struct QuestionCues {
  bool chinese = false;  // language of the words that frame the question
  AnswerType type = AnswerType::kAny;
  bool list = false;           // asks for several things
  bool newest = false;         // asks for the last one of several dated things
  bool steps = false;          // asks how to do something
  indexer::ByteRange defined;  // asked what that is, means or does; empty if not
};

QuestionCues ReadCues(std::string_view question);

// The words that only ask, "什么时候" or "what year", which no answer repeats; empty if none.
indexer::ByteRange AskingPhrase(std::string_view question);

// A number, date or percentage as written; Chinese numerals too: 二〇一八年五月 is "2018-5".
struct Value {
  indexer::ByteRange range;
  std::string number;  // digits, "." and "-": "1234.5"; a date as "2024-3-1", "2024-3" or "2024"
  std::string unit;  // what follows: "%", "公里", "km", "people", or "$" before it; none of dates
  std::string counted;  // what follows "million", 万: "euros", or "$"
  bool date = false;
};

std::vector<Value> FindValues(std::string_view text);

// What stands right behind a number that ends at text[i]: a word in lower case, "%", or one or two
// Chinese characters; empty if nothing of these.
std::string UnitBehind(std::string_view text, std::size_t i);

// Year, month and day of a date; 0 for what it does not tell.
std::array<int, 3> DateParts(const Value& date);

// True where the text holds something of that type that the question does not hold itself.
bool States(AnswerType type, std::string_view text, std::string_view question);

// True of what tells somebody to do something: "Hold the button for ten seconds.", "请更换滤芯".
bool TellsStep(std::string_view text);

// Whether text[at], behind a subject, goes on to tell what it is or does: " is a", ": ", "是".
bool TellsWhatItIs(std::string_view text, std::size_t at);

// True of a line of a program or a configuration.
bool LooksLikeCode(std::string_view line);

bool IsHan(char32_t c);

}  // namespace citeseek::gateway
