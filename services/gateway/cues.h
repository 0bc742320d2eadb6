// Cues: what the form of a question asks for, and whether a text states such a thing.
//
// Free functions, thread-safe, linear time. English and Chinese.
#pragma once

#include <string_view>

#include "indexer/document.h"

namespace citeseek::gateway {

enum class AnswerType { kAny, kPerson, kPlace, kDate, kNumber, kReason };

struct QuestionCues {
  bool chinese = false;  // language of the words that frame the question
  AnswerType type = AnswerType::kAny;
  bool list = false;           // asks for several things
  bool newest = false;         // asks for the last one of several dated things
  bool steps = false;          // asks how to do something
  bool standard = false;       // asks for what holds unless something else is set
  indexer::ByteRange defined;  // asked what that is, means or does; empty if not
};

QuestionCues ReadCues(std::string_view question);

// QuestionCues::defined alone.
indexer::ByteRange FindDefined(std::string_view question);

// Whether a text names what holds unless something else is set, "默认", or says what it is, "the
// default is".
enum class DefaultForm { kNone, kNamed, kTold };
DefaultForm StatesDefault(std::string_view text);

// The words that only ask, "什么时候" or "what year", which no answer repeats; empty if none.
indexer::ByteRange AskingPhrase(std::string_view question);

// True where the text holds something of that type that the question does not hold itself.
bool States(AnswerType type, std::string_view text, std::string_view question);

bool IsHan(char32_t c);

}  // namespace citeseek::gateway
