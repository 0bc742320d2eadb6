// Prompt: turns a question and its passages into the chat messages of a model.
//
// The form is DeepSeek-R1's published one for web search: each source between
// [webpage n begin] and [webpage n end], citations written [citation:n], today's date, the
// question last; a Chinese frame for Chinese questions, an English one else. Documents are data:
// whatever could close the fence, look like a special token, or hide from the reader's eye is
// taken out of the model's copy (never of the stored text), and the lines of the fence end with a
// code that no document can know: it is made of a secret and of the passage itself, so that the
// same passages still share their KV cache (docs/adr/0012). Earlier turns stand between
// [conversation begin] and [conversation end], without markers: their numbers are not the prompt's.
// Free functions, thread-safe.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "inference/generator.h"
#include "retrieval/retriever.h"
#include "services/gateway/answerer.h"

namespace citeseek::gateway {

struct PromptInput {
  std::string_view question;
  std::string_view rewritten;     // as it stands alone; empty: it does
  std::span<const Turn> history;  // the oldest turn first
  std::span<const retrieval::Hit> hits;
  bool chinese = false;  // language of the asker
  bool brief = false;    // quick mode: a few sentences
  absl::Time now;
  std::string_view fence_secret;
  int source_tokens = 6000;   // budget of all sources together, estimated
  int history_tokens = 1500;  // of the earlier turns, of which the newest come first
};

struct Prompt {
  std::vector<inference::Message> messages;
  int sources = 0;   // how many of the hits fit; they are numbered 1..sources
  std::string hash;  // of all but the codes of the fences: SHA-256, hexadecimal
};

Prompt MakePrompt(const PromptInput& input);

// A document's text as the model may see it.
std::string MakeInert(std::string_view text);

// How many tokens a text has in a usual vocabulary, give or take a third.
int EstimateTokens(std::string_view text);

}  // namespace citeseek::gateway
