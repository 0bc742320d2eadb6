// Model commands: `citeseek model ...`, the engine alone, on one model's files.
//
// Each function prints results on stdout, progress and errors on stderr, and returns the exit code
// (see commands.h). Called from the main thread.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "inference/generator.h"
#include "inference/model_options.h"
#include "inference/workbench.h"

namespace CLI {
class App;
}

namespace citeseek::services {

struct ModelCommand {
  std::string path;
  inference::ModelOptions options = {.device = inference::Device::kAuto};
  bool json = false;

  std::string ids;       // "1,2,3", "[1,2,3]" or "[[1,2],[3]]"; "-": from stdin
  std::string type_ids;  // the same, of the ids' shape
  std::vector<std::string> texts;

  bool special = false;       // tokenize: add special tokens
  bool skip_special = false;  // detokenize
  bool all = false;           // logits: of every position

  std::string messages;  // file of a conversation; "-": stdin
  bool generation_prompt = true;

  std::string prompt;
  inference::Sampling sampling = {.temperature = 0, .top_p = 1, .max_tokens = 128};
  bool ignore_eos = false;

  inference::Pool pool = inference::Pool::kDefault;
  inference::Prompt embed_as = inference::Prompt::kNone;
  bool raw = false;

  std::string query;

  std::string shape;  // bench: random weights of this shape instead of a path
  std::vector<int> prompts = {512};
  int generate = 64;
  std::vector<int> batches = {1};
  int rounds = 3;
};

int RunModelInfo(const ModelCommand& command);
int RunModelTokenize(const ModelCommand& command);
int RunModelDetokenize(const ModelCommand& command);
int RunModelRender(const ModelCommand& command);
int RunModelLogits(const ModelCommand& command);
int RunModelGenerate(const ModelCommand& command);
int RunModelEmbed(const ModelCommand& command);
int RunModelRerank(const ModelCommand& command);
int RunModelBench(const ModelCommand& command);

// The bytes of a file, or of stdin if the path is "-".
absl::StatusOr<std::string> ReadInput(const std::string& path);

// Adds `model` and its commands to the command line. `json` is the global flag; `set` takes what is
// to be run.
void AddModelCommands(CLI::App& app, const bool& json,
                      const std::function<void(std::function<int()>)>& set);

}  // namespace citeseek::services
