// The arguments of `citeseek model ...`.
#include <CLI/CLI.hpp>
#include <map>
#include <memory>

#include "services/cli/model.h"

namespace citeseek::services {
namespace {

using inference::Device;
using inference::Pool;
using inference::Prompt;
using inference::Storage;

const std::map<std::string, Storage> kStorage = {{"q8", Storage::kQ8},     {"q5", Storage::kQ5},
                                                 {"q4", Storage::kQ4},     {"f32", Storage::kF32},
                                                 {"bf16", Storage::kBF16}, {"f16", Storage::kF16}};
const std::map<std::string, Device> kDevices = {
    {"cpu", Device::kCpu}, {"cuda", Device::kCuda}, {"auto", Device::kAuto}};
const std::map<std::string, Pool> kPools = {{"default", Pool::kDefault},
                                            {"cls", Pool::kFirst},
                                            {"mean", Pool::kMean},
                                            {"last", Pool::kLast}};
const std::map<std::string, Prompt> kPrompts = {
    {"none", Prompt::kNone}, {"query", Prompt::kQuery}, {"passage", Prompt::kPassage}};

template <class T>
void AddChoice(CLI::App* command, const std::string& name, T& to,
               const std::map<std::string, T>& names, const std::string& help) {
  std::vector<std::string> allowed;
  for (const auto& [key, value] : names) allowed.push_back(key);
  command
      ->add_option_function<std::string>(
          name, [&to, names](const std::string& value) { to = names.at(value); }, help)
      ->check(CLI::IsMember(allowed));
}

CLI::Option* AddIds(CLI::App* command, ModelCommand& m, const std::string& help) {
  return command->add_option("--ids", m.ids, help + "; -: from stdin");
}

CLI::Option* AddMessages(CLI::App* command, ModelCommand& m) {
  command->add_flag("--generation-prompt,!--no-generation-prompt", m.generation_prompt,
                    "End with the beginning of an answer (default)");
  return command->add_option(
      "--messages", m.messages,
      "JSON file, [{\"role\",\"content\"}...] or {\"messages\",\"tools\",\"extra\"}; -: stdin");
}

void AddSampling(CLI::App* command, ModelCommand& m) {
  inference::Sampling& s = m.sampling;
  command->add_option("--max-tokens", s.max_tokens, "Tokens to generate at most")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  command->add_option("--temperature", s.temperature, "0: the likeliest token")
      ->check(CLI::Range(0.0, 100.0))
      ->capture_default_str();
  command->add_option("--top-p", s.top_p, "Of the likeliest with this share together")
      ->capture_default_str();
  command->add_option("--top-k", s.top_k, "Of so many; 0: all")->capture_default_str();
  command->add_option("--min-p", s.min_p, "Of those with this share of the likeliest")
      ->capture_default_str();
  command->add_option("--repetition-penalty", s.repetition_penalty, "1: none")
      ->capture_default_str();
  command->add_option("--presence-penalty", s.presence_penalty, "0: none")->capture_default_str();
  command->add_option("--frequency-penalty", s.frequency_penalty, "0: none")->capture_default_str();
  command->add_option("--seed", s.seed, "0: another one each time")->capture_default_str();
  command->add_flag("--ignore-eos", m.ignore_eos, "Go on after the end");
}

// Adds commands with what all of them take.
class Adder {
 public:
  Adder(CLI::App* model, const bool& json, const std::function<void(std::function<int()>)>& set)
      : model_(model), json_(json), set_(set) {}

  const std::shared_ptr<ModelCommand>& command() const { return command_; }

  // `check` throws what is wrong with the options together.
  CLI::App* Add(
      const std::string& name, const std::string& help, int (*run)(const ModelCommand&),
      const std::function<void()>& check = [] {}) {
    auto* command = model_->add_subcommand(name, help);
    auto* path =
        command->add_option("--model", command_->path,
                            "Hugging Face folder, GGUF file, or (for tokens alone) tokenizer.json");
    if (name == "info") command->add_option("path", command_->path, "The same")->excludes(path);
    command->add_option("--threads", command_->options.threads, "Processors to use")
        ->check(CLI::Range(1, 256))
        ->capture_default_str();
    AddChoice(command, "--device", command_->options.device, kDevices,
              "Where it runs; default: auto, on the GPU if there is one");
    AddChoice(command, "--quantize", command_->options.storage, kStorage,
              "Turn the large matrices into this when they are loaded");
    command->callback([m = command_, run, check, &json = json_, set = set_] {
      if (m->path.empty() && m->shape.empty()) throw CLI::RequiredError("--model");
      check();
      set([m, run, &json] {
        m->json = json;
        return run(*m);
      });
    });
    return command;
  }

 private:
  CLI::App* const model_;
  const bool& json_;
  const std::function<void(std::function<int()>)> set_;
  const std::shared_ptr<ModelCommand> command_ = std::make_shared<ModelCommand>();
};

}  // namespace

void AddModelCommands(CLI::App& app, const bool& json,
                      const std::function<void(std::function<int()>)>& set) {
  auto* model = app.add_subcommand("model", "Run the engine alone on a model's files");
  model->require_subcommand(1);
  Adder adder(model, json, set);
  ModelCommand& m = *adder.command();

  adder.Add("info", "Tell what a model is", RunModelInfo);

  auto* tokenize = adder.Add("tokenize",
                             "Text to ids: each line of stdin; with --json lines are JSON strings "
                             "and answers {\"ids\":[...]}",
                             RunModelTokenize);
  tokenize->add_flag("--special", m.special, "Add what the model puts around a text (<s>, [CLS])");

  auto* detokenize = adder.Add("detokenize",
                               "Ids to text: each line of stdin, [1,2] or {\"ids\":[1,2]}; with "
                               "--json answers are {\"text\":\"...\"}",
                               RunModelDetokenize);
  detokenize->add_flag("--skip-special", m.skip_special, "Leave special tokens out");

  auto* render =
      adder.Add("render", "Print a conversation as the chat template writes it", RunModelRender);
  AddMessages(render, m)->required();

  auto* logits = adder.Add("logits", "Print next-token logits, or a classifier's", RunModelLogits);
  AddIds(logits, m, "Token ids, 1,2,3")->required();
  logits->add_flag("--all", m.all, "Of every position, not only the last");

  auto* generate = adder.Add("generate", "Continue a prompt", RunModelGenerate, [&m] {
    if (m.ids.empty() && m.prompt.empty() && m.messages.empty()) {
      throw CLI::RequiredError("--ids, --prompt or --messages");
    }
  });
  auto* ids = AddIds(generate, m, "The prompt as token ids, 1,2,3");
  auto* prompt = generate->add_option("--prompt", m.prompt, "The prompt as text");
  auto* messages = AddMessages(generate, m);
  ids->excludes(prompt)->excludes(messages);
  prompt->excludes(messages);
  AddSampling(generate, m);

  auto* embed = adder.Add("embed", "Turn texts into vectors of length one", RunModelEmbed, [&m] {
    if (m.ids.empty() == m.texts.empty()) throw CLI::RequiredError("TEXT... or --ids");
  });
  AddIds(embed, m, "Texts as token ids, [[1,2],[3]]");
  embed->add_option("text", m.texts, "Texts");
  AddChoice(embed, "--pooling", m.pool, kPools,
            "What a text's vector is; default: as its files say");
  AddChoice(embed, "--as", m.embed_as, kPrompts, "Put the model's prompt for these before texts");
  embed->add_flag("--raw", m.raw, "Vectors as they are, of any length");

  auto* rerank = adder.Add("rerank", "Score passages for a query", RunModelRerank, [&m] {
    if (m.ids.empty() == m.texts.empty()) throw CLI::RequiredError("PASSAGE... or --ids");
    if (m.ids.empty() == m.query.empty()) throw CLI::RequiredError("--query with PASSAGE...");
  });
  AddIds(rerank, m, "Pairs as token ids, [[1,2],[3]]");
  rerank->add_option("--query", m.query, "The query");
  rerank->add_option("passage", m.texts, "Passages");

  auto* bench =
      adder.Add("bench", "Measure speed, beside what the machine can do at best", RunModelBench);
  bench
      ->add_option("--shape", m.shape,
                   "Random weights of this shape: qwen2.5-0.5b, qwen2.5-1.5b, bge-small")
      ->excludes(bench->get_option("--model"));
  bench
      ->add_option("--prompt", m.prompts,
                   "Tokens of a prompt (of an encoder: of a text); or several")
      ->allow_extra_args(false)
      ->delimiter(',')
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  bench->add_option("--generate", m.generate, "Tokens to generate")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  bench->add_option("--batch", m.batches, "Sequences that decode together (texts); or several")
      ->allow_extra_args(false)
      ->delimiter(',')
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  bench->add_option("--rounds", m.rounds, "Of each measurement; the best counts")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();

  for (auto* command : {logits, embed, rerank}) {
    command->add_option("--type-ids", m.type_ids, "Token types of the ids, in their shape (BERT)");
  }
}

}  // namespace citeseek::services
