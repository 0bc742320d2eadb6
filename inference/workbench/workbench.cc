#include "inference/workbench.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numeric>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "inference/batch/token_engine.h"
#include "inference/embedding/pair_scorer.h"
#include "inference/embedding/sequence_encoder.h"
#include "inference/model/mapped_file.h"
#include "inference/model/model_files.h"
#include "inference/workbench/info.h"

namespace citeseek::inference {
namespace {

constexpr int kStepTokens = 512;

int BlocksFor(std::int64_t tokens) { return static_cast<int>((tokens + kKvBlock - 1) / kKvBlock); }

Encoding ToEncoding(const TokenText& text) { return {.ids = text.ids, .type_ids = text.types}; }

std::optional<Row> RowOf(Pool pool, const ModelFiles& files) {
  switch (pool) {
    case Pool::kFirst:
      return Row::kFirst;
    case Pool::kMean:
      return Row::kMean;
    case Pool::kLast:
      return Row::kLast;
    case Pool::kDefault:
      break;
  }
  if (!files.pooling) return std::nullopt;
  return RowOf(files.pooling->kind);
}

// "2026-11-22" and the like, for templates that write the date.
std::string FormatNow(std::string_view format) {
  return absl::FormatTime(absl::string_view(format.data(), format.size()), absl::Now(),
                          absl::LocalTimeZone());
}

absl::StatusOr<ChatInput> ParseConversation(std::string_view text, bool add_generation_prompt) {
  auto json = ParseJson(text, "messages");
  if (!json.ok()) return json.status();
  ChatInput input = {.add_generation_prompt = add_generation_prompt, .strftime_now = FormatNow};
  if (json->Array() != nullptr) {
    input.messages = *std::move(json);
    return input;
  }
  JsonReader reader(*json, "messages");
  if (!reader.status().ok()) return reader.status();
  const Json* messages = reader.Find("messages");
  if (messages == nullptr || messages->Array() == nullptr) {
    return absl::InvalidArgumentError(
        "messages: neither a list nor an object with a list \"messages\"");
  }
  input.messages = *messages;
  if (const Json* tools = reader.Find("tools")) input.tools = *tools;
  input.add_generation_prompt = reader.Bool("add_generation_prompt", add_generation_prompt);
  if (const Json* extra = reader.Find("extra")) {
    if (extra->Object() == nullptr)
      reader.Fail("extra", "is not an object");
    else
      input.extra = *extra->Object();
  }
  if (!reader.status().ok()) return reader.status();
  return input;
}

}  // namespace

struct Workbench::Parts {
  std::string path;
  ModelOptions options;
  std::optional<ModelFiles> files;
  std::unique_ptr<Tokenizer> own_tokenizer;  // of a path that was opened for it alone
  std::unique_ptr<SequenceEncoder> sequences;

  bool IsFolder() const {
    std::error_code ignored;
    return std::filesystem::is_directory(path, ignored);
  }
  bool IsTokenizerFile() const { return path.ends_with(".json"); }

  absl::StatusOr<const ModelFiles*> Files() {
    if (!files) {
      if (IsTokenizerFile()) {
        return absl::InvalidArgumentError(absl::StrCat(path, " is a tokenizer, not a model"));
      }
      auto opened = OpenModel(path);
      if (!opened.ok()) return opened.status();
      files = *std::move(opened);
    }
    return &*files;
  }

  absl::StatusOr<const Tokenizer*> FindTokenizer() {
    if (own_tokenizer != nullptr) return own_tokenizer.get();
    if (!files && IsTokenizerFile()) {
      const auto file = MappedFile::Open(path);
      if (!file.ok()) return file.status();
      auto parsed = Tokenizer::Parse(file->text(), "", path);
      if (!parsed.ok()) return parsed.status();
      own_tokenizer = *std::move(parsed);
      return own_tokenizer.get();
    }
    if (!files && IsFolder()) {
      auto opened = Tokenizer::OpenFolder(path);
      if (!opened.ok()) return opened.status();
      own_tokenizer = *std::move(opened);
      return own_tokenizer.get();
    }
    const auto found = Files();
    if (!found.ok()) return found.status();
    if ((*found)->tokenizer == nullptr) {
      return absl::NotFoundError(absl::StrCat(path, " has no tokenizer"));
    }
    return (*found)->tokenizer.get();
  }

  absl::StatusOr<SequenceEncoder*> Sequences() {
    if (sequences == nullptr) {
      const auto found = Files();
      if (!found.ok()) return found.status();
      auto loaded = SequenceEncoder::Load(**found, {.model = options});
      if (!loaded.ok()) return loaded.status();
      sequences = *std::move(loaded);
    }
    return sequences.get();
  }

  absl::StatusOr<std::unique_ptr<Decoder>> LoadDecoder(const ModelFiles& of, Backend& backend,
                                                       std::int64_t context) const {
    if (of.config.task != Task::kGenerate) {
      return absl::InvalidArgumentError(
          absl::StrCat(path, ": ", of.config.architecture, " generates no text"));
    }
    return Decoder::Load(of.config, of.weights, backend,
                         {.storage = options.storage,
                          .max_tokens = kStepTokens,
                          .max_sequences = 1,
                          .max_context = static_cast<int>(context),
                          .kv_blocks = BlocksFor(context)});
  }

  absl::Status CheckIds(std::span<const std::int32_t> ids, const ModelConfig& config) const {
    const auto count = static_cast<std::int64_t>(ids.size());
    if (count < 1 || count > config.max_positions) {
      return absl::InvalidArgumentError(absl::StrCat(path, ": ", count, " tokens are not in [1, ",
                                                     config.max_positions, "], its context"));
    }
    for (const std::int32_t id : ids) {
      if (id < 0 || id >= config.vocabulary_size) {
        return absl::InvalidArgumentError(
            absl::StrCat(path, ": token ", id, " is not in [0, ", config.vocabulary_size - 1, "]"));
      }
    }
    return absl::OkStatus();
  }

  absl::StatusOr<Rows> Run(std::span<const TokenText> texts, Row row) {
    const auto encoder = Sequences();
    if (!encoder.ok()) return encoder.status();
    std::vector<Encoding> encodings;
    for (const TokenText& text : texts) encodings.push_back(ToEncoding(text));
    Rows rows = {.width = static_cast<std::size_t>((*encoder)->Width(row))};
    const absl::Status status =
        (*encoder)->Run(encodings, row, [&](std::size_t, std::span<const float> batch) {
          rows.values.insert(rows.values.end(), batch.begin(), batch.end());
        });
    if (!status.ok())
      return absl::Status(status.code(), absl::StrCat(path, ": ", status.message()));
    return rows;
  }
};

Workbench::Workbench(std::string path, const ModelOptions& options)
    : parts_(std::make_unique<Parts>()) {
  parts_->path = std::move(path);
  parts_->options = options;
}

Workbench::~Workbench() = default;

absl::StatusOr<ModelInfo> Workbench::Info() {
  const auto files = parts_->Files();
  if (!files.ok()) return files.status();
  return DescribeModel(**files);
}

absl::StatusOr<std::vector<std::int32_t>> Workbench::Tokenize(std::string_view text,
                                                              bool add_special) {
  const auto tokenizer = parts_->FindTokenizer();
  if (!tokenizer.ok()) return tokenizer.status();
  return (*tokenizer)->Encode(text, {.add_special = add_special, .parse_special = true});
}

absl::StatusOr<std::string> Workbench::Detokenize(std::span<const std::int32_t> ids,
                                                  bool skip_special) {
  const auto tokenizer = parts_->FindTokenizer();
  if (!tokenizer.ok()) return tokenizer.status();
  return (*tokenizer)->Decode(ids, skip_special);
}

absl::StatusOr<ChatPromptText> Workbench::Render(std::string_view conversation_json,
                                                 bool add_generation_prompt) {
  const auto input = ParseConversation(conversation_json, add_generation_prompt);
  if (!input.ok()) return input.status();
  std::optional<ChatTemplate> own;
  const ChatTemplate* chat = nullptr;
  if (parts_->IsFolder()) {
    auto opened = ChatTemplate::OpenFolder(parts_->path);
    if (!opened.ok()) return opened.status();
    own = *std::move(opened);
    chat = &*own;
  } else {
    const auto files = parts_->Files();
    if (!files.ok()) return files.status();
    if (!(*files)->chat_template) {
      return absl::NotFoundError(absl::StrCat(parts_->path, " has no chat template"));
    }
    chat = &*(*files)->chat_template;
  }
  auto prompt = chat->Render(*input);
  if (!prompt.ok()) {
    return absl::Status(prompt.status().code(),
                        absl::StrCat(parts_->path, ": ", prompt.status().message()));
  }
  ChatPromptText out = {.text = std::move(prompt->text)};
  const auto tokenizer = parts_->FindTokenizer();
  if (tokenizer.ok()) {
    out.ids = (*tokenizer)->EncodePrompt(out.text, prompt->user);
  } else if (!absl::IsNotFound(tokenizer.status())) {
    return tokenizer.status();
  }
  return out;
}

absl::Status Workbench::Logits(const TokenText& text, bool all, RowSink sink) {
  const auto files = parts_->Files();
  if (!files.ok()) return files.status();
  const ModelConfig& config = (*files)->config;
  if (config.task == Task::kClassify) {
    const auto rows = Classify({&text, 1});
    if (!rows.ok()) return rows.status();
    sink(rows->values);
    return absl::OkStatus();
  }
  if (absl::Status status = parts_->CheckIds(text.ids, config); !status.ok()) return status;
  const auto backend = MakeBackend(parts_->options);
  if (!backend.ok()) return backend.status();
  const auto length = static_cast<int>(text.ids.size());
  auto decoder = parts_->LoadDecoder(**files, **backend, length);
  if (!decoder.ok()) return decoder.status();
  std::vector<std::int32_t> blocks(static_cast<std::size_t>(BlocksFor(length)));
  std::iota(blocks.begin(), blocks.end(), 0);
  const auto vocabulary = static_cast<std::size_t>(config.vocabulary_size);
  std::vector<float> logits;
  for (int at = 0; at < length; at += kStepTokens) {
    const int count = std::min(kStepTokens, length - at);
    const int wanted = all ? count : at + count == length ? 1 : 0;
    const SequenceStep step = {.tokens = std::span(text.ids).subspan(
                                   static_cast<std::size_t>(at), static_cast<std::size_t>(count)),
                               .first_position = at,
                               .prompt_length = length,
                               .blocks = blocks,
                               .logits = wanted};
    logits.resize(static_cast<std::size_t>(wanted) * vocabulary);
    (*decoder)->Forward({&step, 1}, logits);
    if (absl::Status status = (*backend)->status(); !status.ok()) return status;
    for (std::size_t i = 0; i < logits.size(); i += vocabulary) {
      sink(std::span(logits).subspan(i, vocabulary));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Completion> Workbench::Complete(
    const CompletionRequest& request, absl::FunctionRef<bool(std::string_view piece)> on_text) {
  const auto files = parts_->Files();
  if (!files.ok()) return files.status();
  const ModelConfig& config = (*files)->config;
  if (absl::Status status = parts_->CheckIds(request.prompt, config); !status.ok()) return status;
  const auto prompt = static_cast<std::int64_t>(request.prompt.size());
  if (prompt == config.max_positions) {
    return absl::InvalidArgumentError(absl::StrCat(parts_->path, ": a prompt of ", prompt,
                                                   " tokens leaves no room in the context of ",
                                                   config.max_positions));
  }
  const auto backend = MakeBackend(parts_->options);
  if (!backend.ok()) return backend.status();
  const std::int64_t context =
      std::min<std::int64_t>(config.max_positions, prompt + request.sampling.max_tokens + 1);
  auto decoder = parts_->LoadDecoder(**files, **backend, context);
  if (!decoder.ok()) return decoder.status();
  TokenEngineOptions options = OptionsFor(
      **decoder,
      {.step_tokens = kStepTokens, .max_running = 1, .blocks = (*decoder)->options().kv_blocks});
  options.health = [&] { return (*backend)->status(); };
  TokenEngine engine([&](std::span<const SequenceStep> steps,
                         std::span<float> logits) { (*decoder)->Forward(steps, logits); },
                     options);

  Completion out;
  const Tokenizer* tokenizer = (*files)->tokenizer.get();
  std::optional<StreamDecoder> stream;
  if (tokenizer != nullptr) stream.emplace(tokenizer->Stream(true));
  TokenRequest tokens = {.prompt = request.prompt, .sampling = request.sampling};
  // As the reference: the files' eos, and only where they name none, what ends the template's turn.
  if (!request.ignore_eos) {
    tokens.stop_ids.assign(config.eos_token_ids.begin(), config.eos_token_ids.end());
    if (tokens.stop_ids.empty()) tokens.stop_ids = (*files)->stop_ids;
  }
  const absl::Time start = absl::Now();
  const auto finish = engine.Generate(tokens, [&](const SampledToken& token) {
    if (out.ids.empty()) out.first_token_seconds = absl::ToDoubleSeconds(absl::Now() - start);
    out.ids.push_back(token.id);
    return !stream || on_text(stream->Push(token.id));
  });
  if (!finish.ok()) {
    return absl::Status(finish.status().code(),
                        absl::StrCat(parts_->path, ": ", finish.status().message()));
  }
  out.seconds = absl::ToDoubleSeconds(absl::Now() - start);
  out.reason = finish->reason;
  out.prompt_tokens = finish->prompt_tokens;
  out.engine = engine.Stats();
  if (stream) {
    on_text(stream->Finish());
    out.text = tokenizer->Decode(out.ids, true);
    out.text_with_special = tokenizer->Decode(out.ids, false);
  }
  return out;
}

absl::StatusOr<std::vector<TokenText>> Workbench::TokenizeForEmbedding(
    std::span<const std::string> texts, Prompt prompt) {
  const auto files = parts_->Files();
  if (!files.ok()) return files.status();
  const auto tokenizer = parts_->FindTokenizer();
  if (!tokenizer.ok()) return tokenizer.status();
  const auto limit = TextLimit(**files);
  if (!limit.ok()) return limit.status();
  std::string before;
  if (prompt != Prompt::kNone && (*files)->pooling) {
    before = prompt == Prompt::kQuery ? (*files)->pooling->query_prompt
                                      : (*files)->pooling->passage_prompt;
  }
  std::vector<TokenText> out;
  for (const std::string& text : texts) {
    Encoding encoding = (*tokenizer)->EncodeSingle(before + text, {.max_tokens = *limit});
    out.push_back({std::move(encoding.ids), std::move(encoding.type_ids)});
  }
  return out;
}

absl::StatusOr<Rows> Workbench::Embed(std::span<const TokenText> texts, Pool pool, bool normalize) {
  const auto files = parts_->Files();
  if (!files.ok()) return files.status();
  const auto sequences = parts_->Sequences();
  if (!sequences.ok()) return sequences.status();
  const bool decoder = (*sequences)->Has(Row::kLast);
  const Row row = RowOf(pool, **files).value_or(decoder ? Row::kLast : Row::kMean);
  auto rows = parts_->Run(texts, row);
  if (rows.ok() && normalize) NormalizeRows(rows->values, static_cast<int>(rows->width));
  return rows;
}

absl::StatusOr<Rows> Workbench::Classify(std::span<const TokenText> pairs) {
  const auto files = parts_->Files();
  if (!files.ok()) return files.status();
  if ((*files)->config.task != Task::kClassify) {
    return absl::InvalidArgumentError(
        absl::StrCat(parts_->path, ": ", (*files)->config.architecture, " has no classes"));
  }
  return parts_->Run(pairs, Row::kLogits);
}

absl::StatusOr<Rows> Workbench::Rerank(const std::string& query,
                                       std::span<const std::string> passages) {
  auto files = OpenModel(parts_->path);
  if (!files.ok()) return files.status();
  const auto scorer = PairScorer::Load(*std::move(files), parts_->options);
  if (!scorer.ok()) return scorer.status();
  Rows rows = {.width = static_cast<std::size_t>((*scorer)->classes())};
  const absl::Status status = (*scorer)->Run(
      {.query = query, .passages = passages}, [&](std::size_t, std::span<const float> batch) {
        rows.values.insert(rows.values.end(), batch.begin(), batch.end());
      });
  if (!status.ok()) return status;
  return rows;
}

std::vector<float> ClassScores(std::span<const float> logits) {
  if (logits.size() == 1) return {1 / (1 + std::exp(-logits[0]))};
  const float most = *std::max_element(logits.begin(), logits.end());
  std::vector<float> scores;
  double sum = 0;
  for (const float logit : logits) sum += std::exp(double{logit} - double{most});
  for (const float logit : logits) {
    scores.push_back(static_cast<float>(std::exp(double{logit} - double{most}) / sum));
  }
  return scores;
}

}  // namespace citeseek::inference
