#include "inference/embedding/pair_scorer.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "inference/utf8.h"

namespace citeseek::inference {
namespace {

// What Qwen3-Reranker was trained to read, and the most tokens of it.
constexpr std::string_view kBefore =
    "<|im_start|>system\nJudge whether the Document meets the requirements based on the Query and "
    "the Instruct provided. Note that the answer can only be \"yes\" or \"no\".<|im_end|>\n"
    "<|im_start|>user\n";
constexpr std::string_view kAfter = "<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n";
constexpr std::string_view kInstruction =
    "Given a web search query, retrieve relevant passages that answer the query";
constexpr std::int64_t kJudgeTokens = 8192;

}  // namespace

absl::StatusOr<std::unique_ptr<PairScorer>> PairScorer::Load(ModelFiles files,
                                                             const ModelOptions& options) {
  const ModelConfig& config = files.config;
  if (files.tokenizer == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(files.path, " has no tokenizer"));
  }
  auto max_tokens = TextLimit(files);
  if (!max_tokens.ok()) return max_tokens.status();
  std::unique_ptr<PairScorer> self(new PairScorer());
  const Tokenizer& tokenizer = *files.tokenizer;
  const auto yes = tokenizer.TokenId("yes");
  const auto no = tokenizer.TokenId("no");
  if (config.task == Task::kGenerate && yes && no) {
    self->judge_ = {.before = tokenizer.Encode(kBefore, {.parse_special = true}),
                    .after = tokenizer.Encode(kAfter, {.parse_special = true}),
                    .no = static_cast<std::size_t>(*no),
                    .yes = static_cast<std::size_t>(*yes)};
    max_tokens = std::min(*max_tokens, kJudgeTokens);
    const std::size_t prompt = self->judge_->before.size() + self->judge_->after.size();
    if (*max_tokens <= static_cast<std::int64_t>(prompt)) {
      return absl::InvalidArgumentError(absl::StrCat(
          files.path, " takes ", *max_tokens, " tokens, a judge's prompt alone has ", prompt));
    }
  } else if (config.task != Task::kClassify) {
    return absl::InvalidArgumentError(
        absl::StrCat(files.path, ": ", config.architecture,
                     " is no reranker; those are classifiers, and decoders that know the tokens ",
                     "yes and no"));
  }
  auto encoder = SequenceEncoder::Load(files, {.model = options, .max_tokens = *max_tokens});
  if (!encoder.ok()) return encoder.status();
  self->encoder_ = *std::move(encoder);
  self->name_ = ModelName(files, absl::StrCat(static_cast<int>(options.storage), " ", *max_tokens));
  self->tokenizer_ = std::move(files.tokenizer);
  return self;
}

absl::StatusOr<Encoding> PairScorer::Encode(std::string_view query,
                                            std::string_view passage) const {
  if (!judge_) {
    return tokenizer_->EncodePair(query, passage, {.max_tokens = encoder_->max_tokens()});
  }
  const auto body = tokenizer_->Encode(absl::StrCat("<Instruct>: ", std::string(kInstruction),
                                                    "\n<Query>: ", std::string(query),
                                                    "\n<Document>: ", std::string(passage)));
  const auto& [before, after, no, yes] = *judge_;
  const std::size_t room =
      static_cast<std::size_t>(encoder_->max_tokens()) - before.size() - after.size();
  Encoding encoding = {.ids = before};
  encoding.ids.insert(encoding.ids.end(), body.begin(),
                      body.begin() + static_cast<std::ptrdiff_t>(std::min(body.size(), room)));
  encoding.ids.insert(encoding.ids.end(), after.begin(), after.end());
  return encoding;
}

absl::Status PairScorer::Run(const RerankRequest& request, SequenceEncoder::RowSink sink) const {
  if (!IsValidUtf8(request.query)) return absl::InvalidArgumentError("the query is not UTF-8");
  std::vector<Encoding> pairs;
  for (std::size_t i = 0; i < request.passages.size(); ++i) {
    if (!IsValidUtf8(request.passages[i])) {
      return absl::InvalidArgumentError(absl::StrCat("passage ", i, " is not UTF-8"));
    }
    auto pair = Encode(request.query, request.passages[i]);
    if (!pair.ok()) return pair.status();
    pairs.push_back(*std::move(pair));
  }
  if (!judge_) return encoder_->Run(pairs, Row::kLogits, sink, request.deadline, request.stop);
  const auto width = static_cast<std::size_t>(encoder_->Width(Row::kLogits));
  const auto pick = [&](std::size_t begin, std::span<const float> rows) {
    for (std::size_t at = 0; at < rows.size(); at += width) {
      const std::array<float, 2> answers = {rows[at + judge_->no], rows[at + judge_->yes]};
      sink(begin + at / width, answers);
    }
  };
  return encoder_->Run(pairs, Row::kLogits, pick, request.deadline, request.stop);
}

}  // namespace citeseek::inference
