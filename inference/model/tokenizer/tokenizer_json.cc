#include "inference/model/tokenizer/tokenizer_json.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "inference/model/json.h"
#include "inference/model/tokenizer/charsmap.h"

namespace citeseek::inference {
namespace {

constexpr std::int64_t kMaxId = 1 << 24;

// Parses one file; the first thing that is wrong stays in `status`.
class SpecReader {
 public:
  absl::Status status;
  TokenizerSpec spec;

  void Fail(const std::string& problem) {
    if (status.ok()) status = absl::InvalidArgumentError(problem);
  }

  void ReadAll(const Json& root) {
    ReadAddedTokens(root);
    if (const Json* part = Present(root, "normalizer")) ReadNormalizer(*part);
    if (const Json* part = Present(root, "pre_tokenizer")) ReadPreTokenizer(*part);
    if (const Json* part = Present(root, "post_processor")) ReadPostProcessor(*part);
    if (const Json* part = Present(root, "decoder")) ReadDecoder(*part);
    if (const Json* part = Present(root, "model")) {
      ReadModel(*part);
    } else {
      Fail("has no model");
    }
  }

 private:
  static const Json* Present(const Json& object, std::string_view key) {
    const Json* member = object.Find(key);
    return member == nullptr || member->IsNull() ? nullptr : member;
  }

  std::string Text(const Json& object, std::string_view key, std::string_view fallback = "") {
    const Json* member = Present(object, key);
    if (member == nullptr) return std::string(fallback);
    if (member->String() != nullptr) return *member->String();
    Fail(absl::StrCat("member ", std::string(key), " is not a string"));
    return std::string(fallback);
  }
  bool Flag(const Json& object, std::string_view key, bool fallback) {
    const Json* member = Present(object, key);
    if (member == nullptr) return fallback;
    if (member->Bool() != nullptr) return *member->Bool();
    Fail(absl::StrCat("member ", std::string(key), " is not true or false"));
    return fallback;
  }
  std::int64_t Number(const Json& object, std::string_view key, std::int64_t fallback) {
    const Json* member = Present(object, key);
    if (member == nullptr) return fallback;
    if (member->Int() != nullptr) return *member->Int();
    Fail(absl::StrCat("member ", std::string(key), " is not an integer"));
    return fallback;
  }
  std::int32_t Id(const Json& json) {
    if (json.Int() == nullptr || *json.Int() < 0 || *json.Int() >= kMaxId) {
      Fail(absl::StrCat("a token id is not in [0, ", kMaxId, ")"));
      return 0;
    }
    return static_cast<std::int32_t>(*json.Int());
  }
  // The elements of an array member; empty where it is missing.
  const JsonArray& Elements(const Json& object, std::string_view key) {
    static const JsonArray kNone;
    const Json* member = Present(object, key);
    if (member == nullptr) return kNone;
    if (member->Array() != nullptr) return *member->Array();
    Fail(absl::StrCat("member ", std::string(key), " is not an array"));
    return kNone;
  }

  // {"String": text} or {"Regex": text}.
  std::string Pattern(const Json& object, bool& is_regex) {
    const Json* pattern = Present(object, "pattern");
    if (pattern != nullptr) {
      is_regex = Present(*pattern, "Regex") != nullptr;
      const std::string text = Text(*pattern, is_regex ? "Regex" : "String");
      if (!text.empty()) return text;
    }
    Fail("a pattern is missing");
    return "";
  }

  void ReadAddedTokens(const Json& root) {
    for (const Json& entry : Elements(root, "added_tokens")) {
      AddedToken token;
      const Json* id = Present(entry, "id");
      if (id == nullptr) {
        Fail("an added token has no id");
        return;
      }
      token.id = Id(*id);
      token.content = Text(entry, "content");
      token.special = Flag(entry, "special", false);
      token.single_word = Flag(entry, "single_word", false);
      token.lstrip = Flag(entry, "lstrip", false);
      token.rstrip = Flag(entry, "rstrip", false);
      token.normalized = Flag(entry, "normalized", !token.special);
      spec.added_tokens.push_back(std::move(token));
    }
  }

  void ReadNormalizer(const Json& json) {
    using Kind = NormalizerStep::Kind;
    const std::string type = Text(json, "type");
    NormalizerStep step;
    if (type == "Sequence") {
      for (const Json& part : Elements(json, "normalizers")) ReadNormalizer(part);
      return;
    }
    if (type == "NFC") {
      step.kind = Kind::kNfc;
    } else if (type == "NFD") {
      step.kind = Kind::kNfd;
    } else if (type == "NFKC") {
      step.kind = Kind::kNfkc;
    } else if (type == "NFKD") {
      step.kind = Kind::kNfkd;
    } else if (type == "Lowercase") {
      step.kind = Kind::kLowercase;
    } else if (type == "StripAccents") {
      step.kind = Kind::kStripAccents;
    } else if (type == "Nmt") {
      step.kind = Kind::kNmt;
    } else if (type == "Strip") {
      step.kind = Kind::kStrip;
      step.left = Flag(json, "strip_left", true);
      step.right = Flag(json, "strip_right", true);
    } else if (type == "Prepend") {
      step.kind = Kind::kPrepend;
      step.content = Text(json, "prepend");
    } else if (type == "Replace") {
      step.kind = Kind::kReplace;
      step.pattern = Pattern(json, step.pattern_is_regex);
      step.content = Text(json, "content");
    } else if (type == "Precompiled") {
      step.kind = Kind::kCharsmap;
      auto bytes = DecodeBase64(Text(json, "precompiled_charsmap"));
      if (!bytes) Fail("precompiled_charsmap is not base64");
      step.charsmap = std::move(bytes).value_or("");
      if (step.charsmap.empty()) return;  // no rules
    } else if (type == "BertNormalizer") {
      step.kind = Kind::kBert;
      step.clean_text = Flag(json, "clean_text", true);
      step.chinese = Flag(json, "handle_chinese_chars", true);
      step.lowercase = Flag(json, "lowercase", true);
      step.strip_accents = Flag(json, "strip_accents", step.lowercase);
    } else {
      Fail(absl::StrCat("normalizer \"", type, "\" is unknown"));
    }
    spec.normalizer.push_back(std::move(step));
  }

  PreTokenizerStep::Behavior Behavior(const Json& json) {
    using Kind = PreTokenizerStep::Behavior;
    constexpr std::pair<std::string_view, Kind> kKinds[] = {
        {"Isolated", Kind::kIsolated},
        {"Removed", Kind::kRemoved},
        {"MergedWithPrevious", Kind::kMergedWithPrevious},
        {"MergedWithNext", Kind::kMergedWithNext},
        {"Contiguous", Kind::kContiguous}};
    const std::string name = Text(json, "behavior", "Isolated");
    for (const auto& [known, kind] : kKinds) {
      if (name == known) return kind;
    }
    Fail(absl::StrCat("split behavior \"", name, "\" is unknown"));
    return Kind::kIsolated;
  }

  void ReadPreTokenizer(const Json& json) {
    using Kind = PreTokenizerStep::Kind;
    const std::string type = Text(json, "type");
    PreTokenizerStep step;
    if (type == "Sequence") {
      for (const Json& part : Elements(json, "pretokenizers")) ReadPreTokenizer(part);
      return;
    }
    if (type == "Split") {
      step.pattern = Pattern(json, step.pattern_is_regex);
      step.invert = Flag(json, "invert", false);
      step.behavior = Behavior(json);
    } else if (type == "CharDelimiterSplit") {
      step.pattern = Text(json, "delimiter");
      step.pattern_is_regex = false;
      step.behavior = PreTokenizerStep::Behavior::kRemoved;
      if (step.pattern.empty()) Fail("a CharDelimiterSplit has no delimiter");
    } else if (type == "ByteLevel") {
      step.kind = Kind::kByteLevel;
      step.add_prefix_space = Flag(json, "add_prefix_space", true);
      step.use_pattern = Flag(json, "use_regex", true);
    } else if (type == "Metaspace") {
      step.kind = Kind::kMetaspace;
      step.replacement = Text(json, "replacement", step.replacement);
      step.split = Flag(json, "split", true);
      const std::string scheme =
          Text(json, "prepend_scheme", Flag(json, "add_prefix_space", true) ? "always" : "never");
      if (scheme == "first") {
        step.prepend = PreTokenizerStep::Prepend::kFirst;
      } else if (scheme == "never") {
        step.prepend = PreTokenizerStep::Prepend::kNever;
      } else if (scheme != "always") {
        Fail(absl::StrCat("prepend_scheme \"", scheme, "\" is unknown"));
      }
      if (step.replacement.empty()) Fail("a Metaspace has no replacement");
    } else if (type == "WhitespaceSplit") {
      step.kind = Kind::kWhitespaceSplit;
    } else if (type == "Whitespace") {
      // Not quite Oniguruma's \w, as this one is not found by it.
      step.pattern = R"([\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\u200C\u200D]+)"
                     R"(|[^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\u200C\u200D\s]+)";
      step.behavior = PreTokenizerStep::Behavior::kRemoved;
      step.invert = true;
    } else if (type == "Punctuation") {
      step.kind = Kind::kPunctuation;
      step.behavior = Behavior(json);
    } else if (type == "Digits") {
      step.kind = Kind::kDigits;
      step.single_digits = Flag(json, "individual_digits", false);
    } else if (type == "BertPreTokenizer") {
      step.kind = Kind::kWhitespaceSplit;
      spec.pre_tokenizer.push_back(step);
      step.kind = Kind::kPunctuation;
    } else {
      Fail(absl::StrCat("pre-tokenizer \"", type, "\" is unknown"));
    }
    spec.pre_tokenizer.push_back(std::move(step));
  }

  std::vector<TemplatePiece> ReadTemplate(const Json& json, std::string_view key) {
    std::vector<TemplatePiece> pieces;
    const Json* table = Present(json, "special_tokens");
    for (const Json& element : Elements(json, key)) {
      TemplatePiece piece;
      const Json* token = Present(element, "SpecialToken");
      const Json* sequence = Present(element, "Sequence");
      const Json* body = token != nullptr ? token : sequence;
      if (body == nullptr) {
        Fail("a template has an element that is no token and no sequence");
        return pieces;
      }
      piece.type_id = static_cast<std::int32_t>(Number(*body, "type_id", 0) & 0xFF);
      const std::string id = Text(*body, "id");
      if (sequence != nullptr) {
        piece.kind = id == "B" ? TemplatePiece::Kind::kSecond : TemplatePiece::Kind::kFirst;
      } else {
        const Json* entry = table == nullptr ? nullptr : Present(*table, id);
        if (entry == nullptr) {
          Fail(absl::StrCat("template token ", id, " is not in special_tokens"));
          return pieces;
        }
        for (const Json& number : Elements(*entry, "ids")) piece.ids.push_back(Id(number));
      }
      pieces.push_back(std::move(piece));
    }
    return pieces;
  }

  // ["[SEP]", 102]
  TemplatePiece NamedToken(const Json& json, std::string_view key) {
    TemplatePiece piece;
    const JsonArray& pair = Elements(json, key);
    if (pair.size() == 2) {
      piece.ids = {Id(pair[1])};
    } else {
      Fail(absl::StrCat("post-processor has no ", std::string(key)));
    }
    return piece;
  }

  void ReadPostProcessor(const Json& json) {
    const std::string type = Text(json, "type");
    if (type == "Sequence") {
      for (const Json& part : Elements(json, "processors")) ReadPostProcessor(part);
    } else if (type == "TemplateProcessing") {
      spec.single = ReadTemplate(json, "single");
      spec.pair = ReadTemplate(json, "pair");
    } else if (type == "BertProcessing" || type == "RobertaProcessing") {
      const bool bert = type == "BertProcessing";
      const TemplatePiece cls = NamedToken(json, "cls");
      TemplatePiece sep = NamedToken(json, "sep");
      const TemplatePiece first = {.kind = TemplatePiece::Kind::kFirst};
      TemplatePiece second = {.kind = TemplatePiece::Kind::kSecond, .type_id = bert ? 1 : 0};
      spec.single = {cls, first, sep};
      spec.pair = {cls, first, sep};
      if (!bert) spec.pair.push_back(sep);
      spec.pair.push_back(second);
      sep.type_id = second.type_id;
      spec.pair.push_back(sep);
    } else if (type != "ByteLevel") {  // ByteLevel changes offsets alone
      Fail(absl::StrCat("post-processor \"", type, "\" is unknown"));
    }
  }

  void ReadDecoder(const Json& json) {
    using Kind = DecoderSpec::Kind;
    DecoderSpec& decoder = spec.decoder;
    const std::string type = Text(json, "type");
    if (type == "Sequence") {
      decoder.kind = Kind::kPieces;
      for (const Json& part : Elements(json, "decoders")) ReadDecoder(part);
    } else if (type == "ByteLevel") {
      decoder.kind = Kind::kByteLevel;
    } else if (type == "WordPiece") {
      decoder.kind = Kind::kWordPiece;
      decoder.prefix = Text(json, "prefix", "##");
      decoder.cleanup = Flag(json, "cleanup", true);
    } else if (type == "Metaspace") {
      decoder.kind = Kind::kPieces;
      const std::string mark = Text(json, "replacement", "\u2581");
      if (mark.empty()) Fail("a Metaspace has no replacement");
      decoder.replacements.emplace_back(mark, " ");
      const bool prepends = Flag(json, "add_prefix_space", true);
      if (Text(json, "prepend_scheme", prepends ? "always" : "never") != "never") {
        decoder.first_drops = mark;
      }
    } else if (type == "Replace") {
      decoder.kind = Kind::kPieces;
      bool is_regex = false;
      const std::string pattern = Pattern(json, is_regex);
      if (is_regex) Fail("a decoder that replaces a regular expression is unknown");
      decoder.replacements.emplace_back(pattern, Text(json, "content"));
      if (decoder.replacements.size() > 4 || decoder.replacements.back().second.size() > 16) {
        Fail(
            "a decoder that replaces more than four things, or with more than 16 bytes, is "
            "unknown");
      }
    } else if (type == "ByteFallback") {
      decoder.byte_fallback = true;
    } else if (type == "Strip") {
      if (Text(json, "content", " ") != " " || Number(json, "stop", 0) != 0) {
        Fail("a decoder that strips anything but leading blanks is unknown");
      }
      decoder.strip_left =
          static_cast<int>(std::clamp<std::int64_t>(Number(json, "start", 0), 0, 1 << 16));
    } else if (type != "Fuse") {  // tokens are always joined in the end
      Fail(absl::StrCat("decoder \"", type, "\" is unknown"));
    }
  }

  std::vector<std::pair<std::string, std::int32_t>> ReadVocabulary(const Json& model) {
    std::vector<std::pair<std::string, std::int32_t>> vocabulary;
    const Json* table = Present(model, "vocab");
    if (table == nullptr || table->Object() == nullptr) {
      Fail("model has no vocab");
      return vocabulary;
    }
    vocabulary.reserve(table->Object()->size());
    for (const auto& [text, id] : *table->Object()) vocabulary.emplace_back(text, Id(id));
    return vocabulary;
  }

  void ReadModel(const Json& json) {
    std::string type = Text(json, "type");
    if (type.empty()) {  // older files leave it out
      type = Present(json, "merges") != nullptr   ? "BPE"
             : Present(json, "unk_id") != nullptr ? "Unigram"
                                                  : "WordPiece";
    }
    if (type == "BPE") {
      ReadBpe(json);
    } else if (type == "Unigram") {
      ReadUnigram(json);
    } else if (type == "WordPiece") {
      WordPieceSpec model;
      model.vocabulary = ReadVocabulary(json);
      model.unknown = Text(json, "unk_token", "[UNK]");
      model.prefix = Text(json, "continuing_subword_prefix", "##");
      model.max_characters = static_cast<int>(
          std::clamp<std::int64_t>(Number(json, "max_input_chars_per_word", 100), 1, 1 << 16));
      spec.model = std::move(model);
    } else {
      Fail(absl::StrCat("model \"", type, "\" is unknown; known are BPE, Unigram, WordPiece"));
    }
  }

  void ReadBpe(const Json& json) {
    BpeSpec model;
    model.vocabulary = ReadVocabulary(json);
    const std::string unknown = Text(json, "unk_token");
    if (!unknown.empty()) model.unknown = unknown;
    model.fuse_unknown = Flag(json, "fuse_unk", false);
    model.byte_fallback = Flag(json, "byte_fallback", false);
    model.ignore_merges = Flag(json, "ignore_merges", false);
    if (!Text(json, "continuing_subword_prefix").empty() ||
        !Text(json, "end_of_word_suffix").empty()) {
      Fail("a BPE model with a subword prefix or suffix is unknown");
    }
    const JsonArray& merges = Elements(json, "merges");
    model.merges.reserve(merges.size());
    for (const Json& merge : merges) {
      if (const JsonArray* pair = merge.Array();
          pair != nullptr && pair->size() == 2 && (*pair)[0].String() && (*pair)[1].String()) {
        model.merges.emplace_back(*(*pair)[0].String(), *(*pair)[1].String());
        continue;
      }
      const std::string* line = merge.String();
      const std::size_t blank = line == nullptr ? std::string::npos : line->find(' ');
      if (blank == std::string::npos) {
        Fail(absl::StrCat("merge ", model.merges.size(), " is not a pair"));
        return;
      }
      model.merges.emplace_back(line->substr(0, blank), line->substr(blank + 1));
    }
    spec.model = std::move(model);
  }

  void ReadUnigram(const Json& json) {
    UnigramSpec model;
    if (const Json* unknown = Present(json, "unk_id")) model.unknown = Id(*unknown);
    model.byte_fallback = Flag(json, "byte_fallback", false);
    for (const Json& entry : Elements(json, "vocab")) {
      const JsonArray* pair = entry.Array();
      if (pair == nullptr || pair->size() != 2 || (*pair)[0].String() == nullptr ||
          ((*pair)[1].Double() == nullptr && (*pair)[1].Int() == nullptr)) {
        Fail(absl::StrCat("vocab entry ", model.vocabulary.size(), " is not a text and a score"));
        return;
      }
      const Json& score = (*pair)[1];
      model.vocabulary.emplace_back(*(*pair)[0].String(), score.Double() != nullptr
                                                              ? *score.Double()
                                                              : static_cast<double>(*score.Int()));
    }
    spec.model = std::move(model);
  }
};

// A token of tokenizer_config.json: its text, or an object with the text in "content".
std::string ConfiguredToken(const Json& config, std::string_view key) {
  const Json* member = config.Find(key);
  if (member == nullptr) return "";
  if (member->String() != nullptr) return *member->String();
  const Json* content = member->Find("content");
  return content == nullptr || content->String() == nullptr ? "" : *content->String();
}

bool Asks(const Json& config, std::string_view key) {
  const Json* member = config.Find(key);
  return member != nullptr && member->Bool() != nullptr && *member->Bool();
}

// add_bos_token and add_eos_token put their token at the ends, unless the template does already.
void AddConfiguredTokens(const Json& config, TokenizerSpec& spec) {
  const auto id_of = [&](const std::string& text) -> std::int32_t {
    for (const AddedToken& token : spec.added_tokens) {
      if (token.content == text) return token.id;
    }
    return -1;
  };
  const bool add_bos = Asks(config, "add_bos_token");
  const bool add_eos = Asks(config, "add_eos_token");
  const std::int32_t bos = add_bos ? id_of(ConfiguredToken(config, "bos_token")) : -1;
  const std::int32_t eos = add_eos ? id_of(ConfiguredToken(config, "eos_token")) : -1;
  for (auto* pieces : {&spec.single, &spec.pair}) {
    const auto has = [&](std::int32_t id) {
      return std::any_of(pieces->begin(), pieces->end(), [&](const TemplatePiece& piece) {
        return std::find(piece.ids.begin(), piece.ids.end(), id) != piece.ids.end();
      });
    };
    if (bos >= 0 && !has(bos)) pieces->insert(pieces->begin(), TemplatePiece{.ids = {bos}});
    if (eos >= 0 && !has(eos)) pieces->push_back(TemplatePiece{.ids = {eos}});
  }
}

}  // namespace

absl::StatusOr<TokenizerSpec> ParseTokenizerJson(std::string_view tokenizer,
                                                 std::string_view config, std::string_view name) {
  const auto root = ParseJson(tokenizer, name);
  if (!root.ok()) return root.status();
  if (root->Object() == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(std::string(name), " is not a JSON object"));
  }
  SpecReader reader;
  reader.ReadAll(*root);
  if (!reader.status.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(std::string(name), ": ", reader.status.message()));
  }
  if (!config.empty()) {
    const auto parsed = ParseJson(config, "tokenizer_config.json");
    if (!parsed.ok()) return parsed.status();
    AddConfiguredTokens(*parsed, reader.spec);
  }
  return std::move(reader.spec);
}

}  // namespace citeseek::inference
