// SentenceCiter: turns a model's marked text into sentences, each followed by its citations and by
// what was found of it.
//
// Markers belong to the sentence they stand in, or right behind. Text goes out as it comes, but
// from a sentence's first marker on it waits for the sentence's end, at most kMaxHeldBytes, because
// its markers may be moved or dropped then. Fenced code is not judged. Single-threaded; one per
// answer; linear in the text, times what judging takes.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "services/gateway/answerer.h"
#include "services/gateway/judge.h"
#include "services/gateway/markers.h"

namespace citeseek::gateway {

inline constexpr std::size_t kMaxHeldBytes = 4096;

using CitedText = std::variant<std::string, Citation, CheckedSentence>;  // never an empty string

class SentenceCiter {
 public:
  using Judger = std::function<Judgement(const MarkedSentence&)>;
  // kFacts: only sentences that state facts are told, and the markers are corrected in the text.
  // kAll: every sentence is told and the text stays as it is.
  enum class Tell { kFacts, kAll };

  // `offset`: bytes that the answer holds already.
  SentenceCiter(Judger judge, std::size_t offset, Tell tell = Tell::kFacts)
      : judge_(std::move(judge)), tell_(tell), offset_(offset) {}

  void Feed(const MarkedText& part, std::vector<CitedText>* out);
  void Finish(std::vector<CitedText>* out) { EndSentence(out); }

 private:
  void Read(std::string_view character, std::vector<CitedText>* out);
  void Say(std::vector<CitedText>* out);
  void EndSentence(std::vector<CitedText>* out);
  std::string Corrected(const Judgement& judgement) const;
  bool IsCode();

  const Judger judge_;
  const Tell tell_;
  std::size_t offset_;            // of the answer, all that went out
  std::string said_;              // goes out next
  std::vector<MarkedText> held_;  // behind said_: from the first marker on, or blanks
  std::size_t held_bytes_ = 0;
  MarkedSentence sentence_;
  std::size_t start_ = 0;  // of the current sentence in the answer
  bool dot_ = false;       // it may end here: . ! or ? was last
  bool ended_ = false;     // it ends here; markers may follow
  bool fenced_ = false;    // inside ```
};

}  // namespace citeseek::gateway
