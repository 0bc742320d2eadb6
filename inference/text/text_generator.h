// TextGenerator: the Generator that a model of this process is: messages in, pieces of text out.
//
// Renders the chat template, runs the tokens through the TokenEngine, decodes what comes back.
// Thread-safe; borrows its parts. Errors: Generator's; a prompt that does not fit the context is
// kInvalidArgument with both numbers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "inference/batch/citation_markers.h"
#include "inference/batch/token_engine.h"
#include "inference/generator.h"
#include "inference/model/folder_config.h"
#include "inference/text/chat_prompt.h"

namespace citeseek::inference {

struct TextGeneratorParts {
  std::string name;  // of the model
  std::string hash;  // of its weights; may be empty
  const Tokenizer* tokenizer = nullptr;
  const ChatTemplate* chat_template = nullptr;
  TokenEngine* engine = nullptr;
  int max_context = 0;  // the engine's
  std::vector<std::int32_t> stop_ids;
  GenerationDefaults defaults = {};  // where a request leaves the choice to the model
};

class TextGenerator final : public Generator {
 public:
  explicit TextGenerator(TextGeneratorParts parts);

  absl::StatusOr<Finish> Generate(const GenerateRequest& request, const PieceSink& sink) override;
  bool EndsThoughts() const override { return true; }

 private:
  const TextGeneratorParts parts_;
  const ChatPrompter prompter_;
  const TokenBytes bytes_;
};

}  // namespace citeseek::inference
