// serving_bench: what the engine's drafts and its prefix cache bring.
//
//   serving_bench drafts CORPUS.jsonl TOKENIZER.json [QUESTIONS] [ROW_COST]
//   serving_bench prefix [DOCUMENT_TOKENS] [LAYERS]
//
// drafts: a scripted model answers questions over five documents of the corpus each, in sentences
// of the documents (quotes) and of a document that is not in the prompt (own words), by several
// shares. Tokens per step, and the time that steps would take if one more row cost ROW_COST of one.
// prefix: a model of random weights gets two questions over the same documents; time to first
// token of each. Prints one JSON object a line.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "inference/batch/token_engine.h"
#include "inference/model/json.h"
#include "inference/model/tokenizer.h"
#include "tests/support/random_decoder.h"

namespace citeseek::inference {
namespace {

using Clock = std::chrono::steady_clock;
using Ids = std::vector<std::int32_t>;

[[noreturn]] void Fail(const std::string& why) {
  std::fprintf(stderr, "serving_bench: %s\n", why.c_str());
  std::exit(1);
}

template <typename T>
T Value(absl::StatusOr<T> result) {
  if (!result.ok()) Fail(std::string(result.status().message()));
  return *std::move(result);
}

// The corpus's documents as sentences as tokens.
std::vector<std::vector<Ids>> ReadDocuments(const std::string& path, const Tokenizer& tokenizer,
                                            std::size_t most) {
  std::vector<std::vector<Ids>> out;
  std::ifstream file(path);
  for (std::string line; out.size() < most && std::getline(file, line);) {
    const Json json = Value(ParseJson(line, path));
    const Json* text = json.Find("text");
    if (text == nullptr || text->String() == nullptr) Fail("no text in " + path);
    std::vector<Ids> sentences;
    std::size_t begin = 0;
    const std::string& all = *text->String();
    for (std::size_t i = 0; i < all.size(); ++i) {
      const bool chinese = all.compare(i, 3, "\u3002") == 0;
      if (!chinese && all.compare(i, 2, ". ") != 0) continue;
      const std::size_t end = i + (chinese ? 3 : 2);
      sentences.push_back(tokenizer.Encode(all.substr(begin, end - begin)));
      begin = i = end;
    }
    if (sentences.size() >= 4) out.push_back(std::move(sentences));
  }
  if (out.size() < 100) Fail("too few documents in " + path);
  return out;
}

struct Question {
  Ids prompt;
  Ids answer;
};

// share: of the answer's sentences that are quotes.
Question Ask(const std::vector<std::vector<Ids>>& documents, std::mt19937& random, double share) {
  const auto pick = [&](std::size_t count) { return random() % count; };
  Question out;
  std::vector<const std::vector<Ids>*> given;
  for (int i = 0; i < 5; ++i) {
    given.push_back(&documents[pick(documents.size() - 1)]);
    for (const Ids& sentence : *given.back()) {
      out.prompt.insert(out.prompt.end(), sentence.begin(), sentence.end());
    }
  }
  const std::vector<Ids>& other = documents.back();
  while (out.answer.size() < 200) {
    const bool quotes = static_cast<double>(random() % 1000) < 1000 * share;
    const std::vector<Ids>& from = quotes ? *given[pick(given.size())] : other;
    const Ids& sentence = from[pick(from.size())];
    out.answer.insert(out.answer.end(), sentence.begin(), sentence.end());
  }
  return out;
}

void BenchDrafts(const std::string& corpus, const std::string& tokenizer_path, int questions,
                 double row_cost) {
  std::ifstream file(tokenizer_path);
  std::ostringstream json;
  json << file.rdbuf();
  const auto tokenizer = Value(Tokenizer::Parse(json.str(), "", tokenizer_path));
  std::vector<std::vector<Ids>> documents = ReadDocuments(corpus, *tokenizer, 2000);
  // The model's own words: sentences of many documents that no prompt has.
  std::vector<Ids> own;
  for (std::size_t i = 0; i < documents.size() / 4; ++i) {
    own.insert(own.end(), documents.back().begin(), documents.back().end());
    documents.pop_back();
  }
  documents.push_back(std::move(own));
  for (const double share : {0.0, 0.25, 0.5, 0.75, 1.0}) {
    std::mt19937 random(7);
    const Question* asked = nullptr;
    double cost = 0;
    const auto model = [&](std::span<const SequenceStep> steps, std::span<float> logits) {
      const auto vocabulary = static_cast<std::size_t>(tokenizer->VocabularySize());
      const SequenceStep& step = steps.front();
      if (step.logits == 0) return;
      std::fill(logits.begin(), logits.end(), 0.0f);
      const std::size_t first = static_cast<std::size_t>(step.first_position) + step.tokens.size() -
                                static_cast<std::size_t>(step.logits) + 1 - asked->prompt.size();
      for (std::size_t r = 0; r < static_cast<std::size_t>(step.logits); ++r) {
        const std::size_t at = std::min(first + r, asked->answer.size() - 1);
        logits[r * vocabulary + static_cast<std::size_t>(asked->answer[at])] = 1;
      }
      if (first == 0) return;
      cost += 1 + row_cost * (static_cast<double>(step.logits) - 1);
    };
    TokenEngineOptions options = {.vocabulary = tokenizer->VocabularySize(),
                                  .max_context = 32768,
                                  .scheduler = {.blocks = 4096}};
    options.speculation.row_cost = row_cost;
    TokenEngine engine(model, options);
    for (int i = 0; i < questions; ++i) {
      const Question question = Ask(documents, random, share);
      asked = &question;
      const auto finish = engine.Generate(
          {.prompt = question.prompt,
           .sampling = {.temperature = 0, .max_tokens = static_cast<int>(question.answer.size())}},
          [](const SampledToken&) { return true; });
      if (!finish.ok()) Fail(std::string(finish.status().message()));
    }
    const EngineStats stats = engine.Stats();
    const auto tokens = static_cast<double>(stats.completion_tokens);
    std::printf(
        "{\"quoted_sentences\":%.2f,\"tokens\":%.0f,\"tokens_per_step\":%.2f,\"drafted\":%lld,"
        "\"accepted\":%lld,\"times_faster\":%.2f}\n",
        share, tokens, tokens / static_cast<double>(stats.sampled_steps),
        static_cast<long long>(stats.drafted_tokens), static_cast<long long>(stats.accepted_tokens),
        (tokens - static_cast<double>(questions)) / cost);
    std::fflush(stdout);
  }
}

void BenchPrefix(int document_tokens, int layers) {
  const std::string json =
      "{\"architectures\":[\"Qwen2ForCausalLM\"],\"model_type\":\"qwen2\",\"vocab_size\":8192,"
      "\"hidden_size\":512,\"intermediate_size\":2048,\"num_hidden_layers\":" +
      std::to_string(layers) +
      ",\"num_attention_heads\":8,\"num_key_value_heads\":2,\"max_position_embeddings\":32768,"
      "\"rms_norm_eps\":1e-6,\"rope_theta\":1e6,\"hidden_act\":\"silu\","
      "\"tie_word_embeddings\":true}";
  const ModelConfig config = Value(ParseModelConfig(json, "bench"));
  const Weights weights = RandomDecoder(config, 1);
  const auto backend = MakeCpuBackend({.threads = 2});
  const int context = document_tokens + 128;
  const int blocks = 2 * (context / kKvBlock + 1);
  const auto decoder =
      Value(Decoder::Load(config, weights, *backend,
                          {.storage = Storage::kQ8, .max_context = context, .kv_blocks = blocks}));
  TokenEngine engine([&](std::span<const SequenceStep> steps,
                         std::span<float> logits) { decoder->Forward(steps, logits); },
                     OptionsFor(*decoder, {.blocks = blocks}));
  std::mt19937 random(3);
  const auto some = [&](int count) {
    Ids ids;
    for (int i = 0; i < count; ++i) ids.push_back(static_cast<std::int32_t>(random() % 8192));
    return ids;
  };
  for (int round = 0; round < 3; ++round) {
    const Ids documents = some(document_tokens);
    double milliseconds[2] = {};
    std::int64_t cached = 0;
    for (double& first : milliseconds) {
      Ids prompt = documents;
      const Ids question = some(32);
      prompt.insert(prompt.end(), question.begin(), question.end());
      const auto start = Clock::now();
      const auto finish =
          engine.Generate({.prompt = prompt, .sampling = {.temperature = 0, .max_tokens = 1}},
                          [](const SampledToken&) { return true; });
      if (!finish.ok()) Fail(std::string(finish.status().message()));
      first = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
      cached = finish->cached_tokens;
    }
    std::printf(
        "{\"prompt\":%d,\"cached\":%lld,\"first_ms\":%.1f,\"second_ms\":%.1f,"
        "\"times_faster\":%.1f}\n",
        document_tokens + 32, static_cast<long long>(cached), milliseconds[0], milliseconds[1],
        milliseconds[0] / milliseconds[1]);
  }
}

int Main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  const auto number = [&](int i, const char* otherwise) {
    return std::string(argc > i ? argv[i] : otherwise);
  };
  if (what == "drafts" && argc > 3) {
    BenchDrafts(argv[2], argv[3], std::stoi(number(4, "50")), std::stod(number(5, "0.12")));
  } else if (what == "prefix") {
    BenchPrefix(std::stoi(number(2, "2048")), std::stoi(number(3, "12")));
  } else {
    Fail("usage: drafts CORPUS.jsonl TOKENIZER.json [QUESTIONS] [ROW_COST] | prefix [TOKENS]");
  }
  return 0;
}

}  // namespace
}  // namespace citeseek::inference

int main(int argc, char** argv) { return citeseek::inference::Main(argc, argv); }
