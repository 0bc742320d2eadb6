#include <algorithm>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "inference/embedder.h"
#include "inference/embedding/sequence_encoder.h"
#include "inference/utf8.h"

namespace citeseek::inference {
namespace {

class EncoderEmbedder final : public Embedder {
 public:
  EncoderEmbedder(std::string name, std::unique_ptr<Tokenizer> tokenizer, PoolingConfig pooling,
                  std::unique_ptr<SequenceEncoder> encoder)
      : name_(std::move(name)),
        tokenizer_(std::move(tokenizer)),
        pooling_(std::move(pooling)),
        encoder_(std::move(encoder)) {}

  std::string Name() const override { return name_; }
  int Dimension() const override { return encoder_->config().hidden_size; }
  bool KnowsMeaning() const override { return true; }

  absl::Status Embed(const EmbedRequest& request, std::span<float> out) override {
    const std::size_t width = static_cast<std::size_t>(Dimension());
    if (out.size() != request.texts.size() * width) {
      return absl::InvalidArgumentError(
          absl::StrCat("out has ", out.size(), " numbers, not ", request.texts.size() * width));
    }
    for (std::size_t i = 0; i < request.texts.size(); ++i) {
      if (IsValidUtf8(request.texts[i])) continue;
      return absl::InvalidArgumentError(absl::StrCat("text ", i, " is not UTF-8"));
    }
    const std::string& prompt =
        request.kind == EmbedKind::kQuery ? pooling_.query_prompt : pooling_.passage_prompt;
    std::fill(out.begin(), out.end(), 0.0f);
    std::vector<Encoding> encodings;
    std::vector<std::size_t> places;  // of the encodings in out
    for (std::size_t i = 0; i < request.texts.size(); ++i) {
      const std::string& text = request.texts[i];
      Encoding encoding = tokenizer_->EncodeSingle(prompt.empty() ? text : prompt + text,
                                                   {.max_tokens = encoder_->max_tokens()});
      if (encoding.ids.empty()) continue;  // a template without special tokens, an empty text
      encodings.push_back(std::move(encoding));
      places.push_back(i * width);
    }
    const auto keep = [&](std::size_t begin, std::span<const float> rows) {
      for (std::size_t at = 0; at < rows.size(); at += width) {
        const auto target = out.subspan(places[begin + at / width], width);
        std::copy_n(rows.begin() + static_cast<std::ptrdiff_t>(at), width, target.begin());
        NormalizeRows(target, Dimension());
      }
    };
    return encoder_->Run(encodings, RowOf(pooling_.kind), keep, request.deadline, request.stop);
  }

 private:
  const std::string name_;
  const std::unique_ptr<Tokenizer> tokenizer_;
  const PoolingConfig pooling_;
  const std::unique_ptr<SequenceEncoder> encoder_;
};

// What the vectors depend on besides the weights.
std::string Variant(const PoolingConfig& pooling, Storage storage, std::int64_t max_tokens) {
  return absl::StrCat(static_cast<int>(pooling.kind), " ", static_cast<int>(storage), " ",
                      max_tokens, " ", pooling.query_prompt, "\n", pooling.passage_prompt);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Embedder>> OpenEmbedder(const std::string& path,
                                                       const EmbedderOptions& options) {
  auto files = OpenModel(path);
  if (!files.ok()) return files.status();
  if (files->tokenizer == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(path, " has no tokenizer"));
  }
  const auto max_tokens = TextLimit(*files);
  if (!max_tokens.ok()) return max_tokens.status();
  auto encoder = SequenceEncoder::Load(*files, {.model = options.model, .max_tokens = *max_tokens});
  if (!encoder.ok()) return encoder.status();
  const bool decoder = (*encoder)->Has(Row::kLast);
  PoolingConfig pooling = files->pooling.value_or(PoolingConfig{
      .kind = decoder ? PoolingConfig::Kind::kLastToken : PoolingConfig::Kind::kMean});
  if (options.query_prompt) pooling.query_prompt = *options.query_prompt;
  if (options.passage_prompt) pooling.passage_prompt = *options.passage_prompt;
  if (!(*encoder)->Has(RowOf(pooling.kind))) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, ": ", files->config.architecture, " cannot be pooled as its files say; encoders are ",
        "pooled by cls or mean, decoders by lasttoken"));
  }
  std::string name = ModelName(*files, Variant(pooling, options.model.storage, *max_tokens));
  return std::make_unique<EncoderEmbedder>(std::move(name), std::move(files->tokenizer),
                                           std::move(pooling), *std::move(encoder));
}

}  // namespace citeseek::inference
