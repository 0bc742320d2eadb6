// ChatCompletion: the JSON of OpenAI's chat/completions, both ways.
//
// MakeChatRequest turns a GenerateRequest into the body of a request; ChatReader turns the events
// of the reply (or its one body, from servers that do not stream) into pieces of whole UTF-8 and a
// Finish. Thoughts come in `reasoning_content` (DeepSeek, vLLM, SGLang) or `reasoning` (Ollama,
// OpenRouter). Never throws. Errors: kUnavailable (malformed, or an error told in the stream).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "inference/generator.h"

namespace citeseek::services {

// `thinking_switch`: also send what vLLM and SGLang understand as "do not think".
std::string MakeChatRequest(const inference::GenerateRequest& request, const std::string& model,
                            bool thinking_switch);

// The message in an error body, or the body itself, at most some hundred bytes of valid UTF-8.
std::string ErrorMessageOf(std::string_view body);

class ChatReader {
 public:
  // One event's data, "[DONE]" included; appends pieces, not empty.
  absl::Status ReadEvent(std::string_view data, std::vector<inference::Piece>* pieces);
  // The whole body of a reply that was not streamed.
  absl::Status ReadBody(std::string_view body, std::vector<inference::Piece>* pieces);

  bool finished() const { return finished_; }  // a finish_reason, or [DONE], has been seen
  bool done() const { return done_; }          // nothing can follow
  const inference::Finish& finish() const { return finish_; }

 private:
  absl::Status Read(std::string_view json, const char* message,
                    std::vector<inference::Piece>* pieces);
  void Add(inference::Piece::Kind kind, std::string text, std::vector<inference::Piece>* pieces);

  inference::Finish finish_;
  bool finished_ = false;
  bool done_ = false;
  std::string cut_[2];  // by kind: the start of a code point whose rest has not come yet
};

}  // namespace citeseek::services
