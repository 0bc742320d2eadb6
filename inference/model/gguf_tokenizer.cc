#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "inference/model/gguf_model.h"

namespace citeseek::inference {
namespace {

constexpr std::string_view kMark = "\u2581";

constexpr std::string_view kQwen2Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kLlama3Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kDeepSeek3Pattern =
    R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
// Of the first DeepSeek models: letters with a case, as their tokenizer.json lists them.
constexpr std::string_view kDeepSeekLetters =
    R"(\s?[)"
    "A-Za-z\u00b5\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u01ba\u01bc-\u01bf\u01c4-\u0293\u0295-\u02af"
    "\u0370-\u0373\u0376\u0377\u037b-\u037d\u037f\u0386\u0388-\u038a\u038c\u038e-\u03a1"
    "\u03a3-\u03f5\u03f7-\u0481\u048a-\u052f\u0531-\u0556\u10a0-\u10c5\u13a0-\u13f5\u13f8-\u13fd"
    "\u1c90-\u1cba\u1cbd-\u1cbf\u1d00-\u1d2b\u1d6b-\u1d77\u1d79-\u1d9a\u1e00-\u1f15\u1f18-\u1f1d"
    "\u1f20-\u1f45\u1f48-\u1f4d\u1f50-\u1f57\u1f59\u1f5b\u1f5d\u1f5f-\u1f7d\u1f80-\u1fb4"
    "\u1fb6-\u1fbc\u1fbe\u1fc2-\u1fc4\u1fc6-\u1fcc\u1fd0-\u1fd3\u1fd6-\u1fdb\u1fe0-\u1fec"
    "\u1ff2-\u1ff4\u1ff6-\u1ffc\u2102\u2107\u210a-\u2113\u2115\u2119-\u211d\u2124\u2126\u2128"
    "\u212a-\u212d\u212f-\u2134\u2139\u213c-\u213f\u2145-\u2149\u214e\u2183-\u2184\u2c00-\u2c7b"
    "\u2c7e-\u2ce4\u2ceb-\u2cee\u2cf2-\u2cf3\ua640-\ua66d\ua680-\ua69b\ua722-\ua76f\ua771-\ua787"
    "\ua78b-\ua78e\uab70-\uabbf\ufb00-\ufb06\ufb13-\ufb17\uff21-\uff3a\uff41-\uff5a"
    "\U00010400-\U0001044f\U000104b0-\U000104d3\U000104d8-\U000104fb\U00010c80-\U00010cb2"
    "\U00010cc0-\U00010cf2\U000118a0-\U000118df\U0001e900-\U0001e943"
    "]+";
constexpr std::string_view kDeepSeekMarks =
    "\\s?[!-/:-~\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f\u3000-\u3002]+";
constexpr std::string_view kDeepSeekHan = "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+";

// ggml's kinds of tokens.
enum TokenType {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kUnused = 5,
  kByte = 6
};

class SpecReader {
 public:
  SpecReader(const Json& metadata, std::string_view name) : metadata_(metadata), name_(name) {}

  absl::StatusOr<TokenizerSpec> Read() {
    const std::string model = Text("model");
    ReadTokens();
    if (model == "gpt2") {
      ReadByteBpe();
    } else if (model == "llama") {
      ReadSentencePiece(/*unigram=*/false);
    } else if (model == "t5") {
      ReadSentencePiece(/*unigram=*/true);
    } else if (model == "bert") {
      ReadWordPiece();
    } else {
      Fail(absl::StrCat("tokenizer \"", model, "\" is unknown; known are gpt2, llama, t5, bert"));
    }
    ReadTemplate(model);
    if (!status_.ok()) return status_;
    return std::move(spec_);
  }

 private:
  void Fail(const std::string& problem) {
    if (status_.ok()) status_ = absl::InvalidArgumentError(absl::StrCat(name_, ": ", problem));
  }
  const Json* Find(std::string_view key) const {
    return metadata_.Find(absl::StrCat("tokenizer.ggml.", std::string(key)));
  }
  std::string Text(std::string_view key) const {
    const Json* value = Find(key);
    return value == nullptr || value->String() == nullptr ? "" : *value->String();
  }
  bool Flag(std::string_view key, bool fallback) const {
    const Json* value = Find(key);
    return value == nullptr || value->Bool() == nullptr ? fallback : *value->Bool();
  }
  std::int64_t Id(std::string_view key) const {
    const Json* value = Find(key);
    const auto count = static_cast<std::int64_t>(tokens_.size());
    const bool good =
        value != nullptr && value->Int() != nullptr && *value->Int() >= 0 && *value->Int() < count;
    return good ? *value->Int() : -1;
  }
  const JsonArray& Elements(std::string_view key) const {
    static const JsonArray kNone;
    const Json* value = Find(key);
    return value == nullptr || value->Array() == nullptr ? kNone : *value->Array();
  }

  void ReadTokens() {
    for (const Json& token : Elements("tokens")) {
      if (token.String() == nullptr) {
        Fail("a token is not a text");
        return;
      }
      tokens_.push_back(*token.String());
    }
    if (tokens_.empty()) Fail("has no tokens");
    types_.assign(tokens_.size(), kNormal);
    const JsonArray& types = Elements("token_type");
    for (std::size_t i = 0; i < std::min(types.size(), types_.size()); ++i) {
      if (types[i].Int() != nullptr) types_[i] = static_cast<int>(*types[i].Int() & 0xFF);
    }
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      const bool special = types_[i] == kControl || types_[i] == kUnknown;
      if ((!special && types_[i] != kUserDefined) || tokens_[i].empty()) continue;
      spec_.added_tokens.push_back(
          {.id = static_cast<std::int32_t>(i), .content = tokens_[i], .special = special});
    }
  }

  std::vector<std::pair<std::string, std::int32_t>> Vocabulary() const {
    std::vector<std::pair<std::string, std::int32_t>> vocabulary;
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      vocabulary.emplace_back(tokens_[i], static_cast<std::int32_t>(i));
    }
    return vocabulary;
  }

  void AddSplits(std::initializer_list<std::string_view> patterns) {
    for (std::string_view pattern : patterns) {
      spec_.pre_tokenizer.push_back(
          {.kind = PreTokenizerStep::Kind::kSplit, .pattern = std::string(pattern)});
    }
  }

  void ReadByteBpe() {
    BpeSpec model;
    model.vocabulary = Vocabulary();
    for (const Json& merge : Elements("merges")) {
      const std::string* line = merge.String();
      const std::size_t blank = line == nullptr ? std::string::npos : line->find(' ', 1);
      if (blank == std::string::npos) {
        Fail(absl::StrCat("merge ", model.merges.size(), " is not a pair"));
        return;
      }
      model.merges.emplace_back(line->substr(0, blank), line->substr(blank + 1));
    }
    const std::string pre = Text("pre");
    bool gpt2 = false;
    if (pre == "qwen2" || pre == "deepseek-r1-qwen") {
      spec_.normalizer.push_back({.kind = NormalizerStep::Kind::kNfc});
      AddSplits({kQwen2Pattern});
    } else if (pre == "llama-bpe" || pre == "llama3" || pre == "llama-v3") {
      AddSplits({kLlama3Pattern});
      model.ignore_merges = true;
    } else if (pre == "deepseek-v3") {
      AddSplits({R"(\p{N}{1,3})", "[一-龥\u3040-ゟ゠-ヿ]+", kDeepSeek3Pattern});
    } else if (pre == "deepseek-llm") {
      AddSplits(
          {R"([\r\n])", kDeepSeekLetters, kDeepSeekMarks, R"(\s+$)", kDeepSeekHan, R"(\p{N})"});
    } else if (pre == "deepseek-coder") {
      AddSplits({R"([\r\n])", R"(\s?\p{L}+)", R"(\s?\p{P}+)", kDeepSeekHan, R"(\p{N})"});
    } else if (pre == "modern-bert") {
      spec_.normalizer.push_back({.kind = NormalizerStep::Kind::kNfc});
      gpt2 = true;
    } else if (pre.empty() || pre == "default" || pre == "gpt-2" || pre == "roberta-bpe") {
      gpt2 = true;
    } else {
      Fail(absl::StrCat("pre-tokenizer \"", pre, "\" is unknown; known are qwen2, ",
                        "deepseek-r1-qwen, llama-bpe, deepseek-llm, deepseek-coder, deepseek-v3, ",
                        "modern-bert, roberta-bpe, gpt-2, default"));
    }
    spec_.pre_tokenizer.push_back(
        {.kind = PreTokenizerStep::Kind::kByteLevel, .use_pattern = gpt2});
    spec_.decoder.kind = DecoderSpec::Kind::kByteLevel;
    spec_.model = std::move(model);
  }

  void ReadSentencePiece(bool unigram) {
    const JsonArray& scores = Elements("scores");
    if (scores.size() != tokens_.size()) {
      Fail(absl::StrCat(scores.size(), " scores for ", tokens_.size(), " tokens"));
      return;
    }
    std::vector<double> numbers;
    for (const Json& score : scores) {
      numbers.push_back(score.Double() != nullptr ? *score.Double() : 0.0);
    }
    const bool blank_first = Flag("add_space_prefix", true);
    const std::int64_t unknown = Id("unknown_token_id");
    spec_.decoder.kind = DecoderSpec::Kind::kPieces;
    spec_.decoder.replacements.emplace_back(kMark, " ");
    spec_.decoder.byte_fallback = true;
    spec_.decoder.strip_left = blank_first ? 1 : 0;
    if (unigram) {
      UnigramSpec model;
      for (std::size_t i = 0; i < tokens_.size(); ++i) {
        model.vocabulary.emplace_back(tokens_[i], numbers[i]);
      }
      model.unknown = static_cast<std::int32_t>(unknown);
      std::string charsmap;
      for (const Json& byte : Elements("precompiled_charsmap")) {
        charsmap.push_back(static_cast<char>(byte.Int() == nullptr ? 0 : *byte.Int()));
      }
      if (!charsmap.empty()) {
        spec_.normalizer.push_back(
            {.kind = NormalizerStep::Kind::kCharsmap, .charsmap = std::move(charsmap)});
      }
      if (Flag("remove_extra_whitespaces", false)) {
        spec_.pre_tokenizer.push_back({.kind = PreTokenizerStep::Kind::kWhitespaceSplit});
      }
      spec_.pre_tokenizer.push_back({.kind = PreTokenizerStep::Kind::kMetaspace,
                                     .prepend = blank_first ? PreTokenizerStep::Prepend::kAlways
                                                            : PreTokenizerStep::Prepend::kNever});
      spec_.model = std::move(model);
      return;
    }
    BpeSpec model;
    model.vocabulary = Vocabulary();
    model.scores.assign(numbers.begin(), numbers.end());
    if (unknown >= 0) model.unknown = tokens_[static_cast<std::size_t>(unknown)];
    model.fuse_unknown = true;
    model.byte_fallback = true;
    if (blank_first) {
      spec_.normalizer.push_back(
          {.kind = NormalizerStep::Kind::kPrepend, .content = std::string(kMark)});
    }
    spec_.normalizer.push_back(
        {.kind = NormalizerStep::Kind::kReplace, .pattern = " ", .content = std::string(kMark)});
    spec_.model = std::move(model);
  }

  // ggml writes pieces that start a word with a mark and those inside without "##".
  void ReadWordPiece() {
    WordPieceSpec model;
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      std::string text = tokens_[i];
      if (text.starts_with(kMark)) {
        text.erase(0, kMark.size());
      } else if (types_[i] == kNormal && !(text.starts_with('[') && text.ends_with(']'))) {
        text.insert(0, model.prefix);
      }
      model.vocabulary.emplace_back(std::move(text), static_cast<std::int32_t>(i));
    }
    const std::int64_t unknown = Id("unknown_token_id");
    if (unknown >= 0) model.unknown = model.vocabulary[static_cast<std::size_t>(unknown)].first;
    // Older files do not tell, whatever their model does; most do both.
    const bool lowercase = Flag("normalizer.lowercase", true);
    spec_.normalizer.push_back({.kind = NormalizerStep::Kind::kBert,
                                .strip_accents = Flag("normalizer.strip_accents", lowercase),
                                .lowercase = lowercase});
    spec_.pre_tokenizer.push_back({.kind = PreTokenizerStep::Kind::kWhitespaceSplit});
    spec_.pre_tokenizer.push_back({.kind = PreTokenizerStep::Kind::kPunctuation});
    spec_.decoder.kind = DecoderSpec::Kind::kWordPiece;
    spec_.decoder.cleanup = true;
    spec_.model = std::move(model);
  }

  void ReadTemplate(const std::string& model) {
    const auto piece = [](std::int64_t id, std::int32_t type_id = 0) {
      return TemplatePiece{.ids = {static_cast<std::int32_t>(id)}, .type_id = type_id};
    };
    const TemplatePiece first = {.kind = TemplatePiece::Kind::kFirst};
    const bool bert = model == "bert";
    const std::int64_t cls =
        bert && Id("cls_token_id") >= 0 ? Id("cls_token_id") : Id("bos_token_id");
    const std::int64_t sep =
        bert || model == "t5"
            ? (Id("seperator_token_id") >= 0 ? Id("seperator_token_id") : Id("eos_token_id"))
            : Id("eos_token_id");
    const bool begin = Flag("add_bos_token", bert || model == "llama" || model == "t5") && cls >= 0;
    const bool end = Flag("add_eos_token", bert || model == "t5") && sep >= 0;
    const std::int32_t second_type = bert ? 1 : 0;
    spec_.single = {first};
    spec_.pair = {first};
    if (begin) {
      spec_.single.insert(spec_.single.begin(), piece(cls));
      spec_.pair.insert(spec_.pair.begin(), piece(cls));
    }
    if (end) {
      spec_.single.push_back(piece(sep));
      spec_.pair.push_back(piece(sep));
      // RoBERTa's kin have two between the texts.
      if (!bert && Text("pre") != "modern-bert") spec_.pair.push_back(piece(sep));
    }
    spec_.pair.push_back({.kind = TemplatePiece::Kind::kSecond, .type_id = second_type});
    if (end) spec_.pair.push_back(piece(sep, second_type));
  }

  const Json& metadata_;
  std::string name_;
  absl::Status status_;
  TokenizerSpec spec_;
  std::vector<std::string> tokens_;
  std::vector<int> types_;
};

}  // namespace

bool HasGgufTokenizer(const Json& metadata) {
  const Json* model = metadata.Find("tokenizer.ggml.model");
  if (model == nullptr) return false;
  const std::string* name = model->String();
  return name == nullptr || (*name != "none" && *name != "no_vocab");
}

absl::StatusOr<TokenizerSpec> GgufTokenizer(const Json& metadata, std::string_view name) {
  return SpecReader(metadata, name).Read();
}

std::string GgufTokenText(const Json& metadata, std::string_view kind) {
  const Json* id = metadata.Find(absl::StrCat("tokenizer.ggml.", std::string(kind), "_token_id"));
  const Json* tokens = metadata.Find("tokenizer.ggml.tokens");
  if (id == nullptr || id->Int() == nullptr || tokens == nullptr || tokens->Array() == nullptr ||
      *id->Int() < 0 || *id->Int() >= static_cast<std::int64_t>(tokens->Array()->size())) {
    return "";
  }
  const std::string* text = (*tokens->Array())[static_cast<std::size_t>(*id->Int())].String();
  return text == nullptr ? "" : *text;
}

std::string GgufChatTemplate(const Json& metadata) {
  const Json* source = metadata.Find("tokenizer.chat_template");
  return source == nullptr || source->String() == nullptr ? "" : *source->String();
}

}  // namespace citeseek::inference
