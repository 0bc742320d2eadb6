#include "inference/model/tokenizer.h"

#include <algorithm>
#include <filesystem>
#include <mutex>
#include <type_traits>
#include <utility>
#include <variant>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "inference/model/mapped_file.h"
#include "inference/model/tokenizer/added_tokens.h"
#include "inference/model/tokenizer/bpe.h"
#include "inference/model/tokenizer/normalizer.h"
#include "inference/model/tokenizer/pre_tokenizer.h"
#include "inference/model/tokenizer/tokenizer_json.h"
#include "inference/model/tokenizer/unigram.h"
#include "inference/model/tokenizer/word_piece.h"
#include "inference/utf8.h"

namespace citeseek::inference {
namespace {

constexpr std::int32_t kMaxId = 1 << 24;

// What one call needs and the next can use again.
struct Scratch {
  WordCache cache;
  Bpe::Scratch bpe;
  Unigram::Scratch unigram;
  std::string buffer;
};

// A token that says something to the model's harness rather than to the model: a special one, or
// one that is written like markup. Words and runs of blanks that were only added are none.
bool IsControlToken(const AddedToken& token) {
  if (token.special) return true;
  const std::string_view text = token.content;
  return text.size() > 2 && ((text.front() == '<' && text.back() == '>') ||
                             (text.front() == '[' && text.back() == ']'));
}

std::int32_t CountTokens(const std::vector<TemplatePiece>& pieces) {
  std::size_t count = 0;
  for (const TemplatePiece& piece : pieces) count += piece.ids.size();
  return static_cast<std::int32_t>(count);
}

Encoding Fill(const std::vector<TemplatePiece>& pieces, std::span<const std::int32_t> first,
              std::span<const std::int32_t> second) {
  Encoding encoding;
  for (const TemplatePiece& piece : pieces) {
    const std::span<const std::int32_t> ids = piece.kind == TemplatePiece::Kind::kTokens
                                                  ? std::span<const std::int32_t>(piece.ids)
                                              : piece.kind == TemplatePiece::Kind::kFirst ? first
                                                                                          : second;
    encoding.ids.insert(encoding.ids.end(), ids.begin(), ids.end());
    encoding.type_ids.resize(encoding.ids.size(), piece.type_id);
  }
  return encoding;
}

}  // namespace

struct Tokenizer::Parts {
  Normalizer normalizer;
  PreTokenizer pre_tokenizer;
  std::variant<Bpe, Unigram, WordPiece> model;
  // Matched in the text as it is, and in the normalised text; all of them, and the harmless ones.
  AddedTokens raw_all, raw_plain, normalized_all, normalized_plain;
  AddedTokens control_tokens;  // for prompts: matched in the text as it is
  std::vector<TemplatePiece> single, pair;
  TokenDecoder decoder;
  std::vector<std::string> texts;  // by id
  absl::flat_hash_map<std::string, std::int32_t> ids;
  absl::flat_hash_set<std::int32_t> control;

  std::mutex mutex;
  std::vector<std::unique_ptr<Scratch>> idle;  // guarded by mutex

  std::unique_ptr<Scratch> TakeScratch() {
    {
      const std::scoped_lock lock(mutex);
      if (!idle.empty()) {
        auto scratch = std::move(idle.back());
        idle.pop_back();
        return scratch;
      }
    }
    return std::make_unique<Scratch>();
  }
  void GiveScratch(std::unique_ptr<Scratch> scratch) {
    if (scratch->bpe.symbols.capacity() + scratch->bpe.dead.capacity() > 1 << 20)
      scratch->bpe = {};  // after a hostile word
    if (scratch->unigram.capacity() > 1 << 20) scratch->unigram = {};
    const std::scoped_lock lock(mutex);
    idle.push_back(std::move(scratch));
  }

  void EncodeWord(std::string_view word, Scratch& scratch, std::vector<std::int32_t>& out) const {
    if (const auto* bpe = std::get_if<Bpe>(&model)) {
      bpe->Encode(word, scratch.bpe, scratch.cache, out);
    } else if (const auto* unigram = std::get_if<Unigram>(&model)) {
      unigram->Encode(word, scratch.unigram, scratch.cache, out);
    } else {
      std::get<WordPiece>(model).Encode(word, scratch.cache, out);
    }
  }

  std::vector<std::int32_t> EncodeText(std::string_view text, bool parse_special) {
    return parse_special ? EncodeWith(text, raw_all, {}, normalized_all)
                         : EncodeWith(text, raw_plain, {}, normalized_plain);
  }

  std::vector<std::int32_t> EncodeWith(std::string_view text, const AddedTokens& raw,
                                       std::span<const TextRange> closed,
                                       const AddedTokens& normalized) {
    std::string valid;
    if (!IsValidUtf8(text)) {
      valid = ReplaceInvalidUtf8(text);
      text = valid;
    }
    std::vector<std::int32_t> out;
    out.reserve(text.size() / 4);
    auto scratch = TakeScratch();
    raw.Split(text, closed, [&](std::string_view part, std::int32_t id) {
      if (id >= 0) {
        out.push_back(id);
        return;
      }
      const bool starts = part.data() == text.data();
      const std::string_view clean = normalizer.Apply(part, scratch->buffer);
      normalized.Split(clean, {}, [&](std::string_view piece, std::int32_t piece_id) {
        if (piece_id >= 0) {
          out.push_back(piece_id);
          return;
        }
        pre_tokenizer.Split(piece, starts && piece.data() == clean.data(),
                            [&](std::string_view word) { EncodeWord(word, *scratch, out); });
      });
    });
    GiveScratch(std::move(scratch));
    return out;
  }
};

Tokenizer::Tokenizer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Tokenizer::~Tokenizer() = default;

absl::StatusOr<std::unique_ptr<Tokenizer>> Tokenizer::OpenFolder(const std::string& folder) {
  const std::string path = (std::filesystem::path(folder) / "tokenizer.json").string();
  const auto file = MappedFile::Open(path);
  if (!file.ok()) return file.status();
  const auto config =
      MappedFile::Open((std::filesystem::path(folder) / "tokenizer_config.json").string());
  if (!config.ok() && !absl::IsNotFound(config.status())) return config.status();
  return Parse(file->text(), config.ok() ? config->text() : std::string_view(), path);
}

absl::StatusOr<std::unique_ptr<Tokenizer>> Tokenizer::Parse(std::string_view tokenizer_json,
                                                            std::string_view config_json,
                                                            std::string_view name) {
  auto spec = ParseTokenizerJson(tokenizer_json, config_json, name);
  if (!spec.ok()) return spec.status();
  auto tokenizer = Make(*std::move(spec));
  if (!tokenizer.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(std::string(name), ": ", tokenizer.status().message()));
  }
  return tokenizer;
}

absl::StatusOr<std::unique_ptr<Tokenizer>> Tokenizer::Make(TokenizerSpec spec) {
  auto parts = std::make_unique<Parts>();
  // The texts of all ids: the model's, then the added tokens over them.
  std::int32_t bad_id = -1;
  const auto put = [&](const std::string& text, std::int32_t id) {
    if (id < 0 || id >= kMaxId) {
      bad_id = id < 0 ? kMaxId : id;
      return;
    }
    if (static_cast<std::size_t>(id) >= parts->texts.size()) {
      parts->texts.resize(static_cast<std::size_t>(id) + 1);
    }
    parts->texts[static_cast<std::size_t>(id)] = text;
    parts->ids[text] = id;
  };
  if (const auto* unigram = std::get_if<UnigramSpec>(&spec.model)) {
    for (std::size_t i = 0; i < unigram->vocabulary.size(); ++i) {
      put(unigram->vocabulary[i].first, static_cast<std::int32_t>(i));
    }
  } else {
    const auto& vocabulary = std::holds_alternative<BpeSpec>(spec.model)
                                 ? std::get<BpeSpec>(spec.model).vocabulary
                                 : std::get<WordPieceSpec>(spec.model).vocabulary;
    for (const auto& [text, id] : vocabulary) put(text, id);
  }
  for (const AddedToken& token : spec.added_tokens) {
    if (token.content.empty()) return absl::InvalidArgumentError("an added token is empty");
    put(token.content, token.id);
    if (IsControlToken(token)) parts->control.insert(token.id);
  }
  if (bad_id >= 0) {
    return absl::InvalidArgumentError(absl::StrCat("a token id is not in [0, ", kMaxId, ")"));
  }
  const auto size = static_cast<std::int32_t>(parts->texts.size());
  for (const auto* pieces : {&spec.single, &spec.pair}) {
    for (const TemplatePiece& piece : *pieces) {
      for (const std::int32_t id : piece.ids) {
        if (id < 0 || id >= size) {
          return absl::InvalidArgumentError(
              absl::StrCat("template token ", id, " is not in [0, ", size, ")"));
        }
      }
    }
  }

  auto normalizer = Normalizer::Make(spec.normalizer);
  if (!normalizer.ok()) return normalizer.status();
  parts->normalizer = *std::move(normalizer);
  auto pre_tokenizer = PreTokenizer::Make(spec.pre_tokenizer);
  if (!pre_tokenizer.ok()) return pre_tokenizer.status();
  parts->pre_tokenizer = *std::move(pre_tokenizer);

  absl::Status status;
  const auto take = [&](auto model) {
    if (model.ok()) {
      parts->model = *std::move(model);
    } else {
      status = model.status();
    }
  };
  if (const auto* bpe = std::get_if<BpeSpec>(&spec.model)) {
    const bool bytes = std::any_of(
        spec.pre_tokenizer.begin(), spec.pre_tokenizer.end(),
        [](const auto& step) { return step.kind == PreTokenizerStep::Kind::kByteLevel; });
    take(Bpe::Make(*bpe, bytes, parts->control));
  } else if (const auto* unigram = std::get_if<UnigramSpec>(&spec.model)) {
    take(Unigram::Make(*unigram, parts->control));
  } else {
    take(WordPiece::Make(std::get<WordPieceSpec>(spec.model), parts->control));
  }
  if (!status.ok()) return status;

  std::vector<AddedToken> raw_all, raw_plain, normalized_all, normalized_plain, control_tokens;
  std::vector<bool> special(parts->texts.size());
  std::string buffer;
  for (AddedToken token : spec.added_tokens) {
    if (token.special) special[static_cast<std::size_t>(token.id)] = true;
    const bool control = IsControlToken(token);
    if (control || !token.normalized) control_tokens.push_back(token);
    if (token.normalized) {
      token.content = std::string(parts->normalizer.Apply(token.content, buffer));
      if (!control) normalized_plain.push_back(token);
      normalized_all.push_back(std::move(token));
    } else {
      if (!control) raw_plain.push_back(token);
      raw_all.push_back(std::move(token));
    }
  }
  parts->control_tokens = AddedTokens(std::move(control_tokens));
  parts->raw_all = AddedTokens(std::move(raw_all));
  parts->raw_plain = AddedTokens(std::move(raw_plain));
  parts->normalized_all = AddedTokens(std::move(normalized_all));
  parts->normalized_plain = AddedTokens(std::move(normalized_plain));
  parts->single = std::move(spec.single);
  parts->pair = std::move(spec.pair);
  parts->decoder = TokenDecoder(spec.decoder, parts->texts, std::move(special));
  return std::unique_ptr<Tokenizer>(new Tokenizer(std::move(parts)));
}

std::vector<std::int32_t> Tokenizer::Encode(std::string_view text,
                                            const EncodeOptions& options) const {
  auto ids = parts_->EncodeText(text, options.parse_special);
  return options.add_special ? Fill(parts_->single, ids, {}).ids : ids;
}

std::vector<std::int32_t> Tokenizer::EncodePrompt(std::string_view text,
                                                  std::span<const TextRange> user) const {
  if (IsValidUtf8(text)) {
    return parts_->EncodeWith(text, parts_->control_tokens, user, parts_->normalized_plain);
  }
  // Make each stretch valid on its own, so that the ranges stay true.
  std::string valid;
  std::vector<TextRange> ranges;
  std::size_t done = 0;
  for (const TextRange& range : user) {
    valid += ReplaceInvalidUtf8(text.substr(done, range.begin - done));
    const std::size_t begin = valid.size();
    valid += ReplaceInvalidUtf8(text.substr(range.begin, range.end - range.begin));
    ranges.push_back({begin, valid.size()});
    done = range.end;
  }
  valid += ReplaceInvalidUtf8(text.substr(done));
  return parts_->EncodeWith(valid, parts_->control_tokens, ranges, parts_->normalized_plain);
}

Encoding Tokenizer::EncodeSingle(std::string_view text, const TemplateOptions& options) const {
  auto ids = parts_->EncodeText(text, options.parse_special);
  const std::int64_t room =
      std::max<std::int64_t>(0, options.max_tokens - CountTokens(parts_->single));
  if (static_cast<std::int64_t>(ids.size()) > room) ids.resize(static_cast<std::size_t>(room));
  return Fill(parts_->single, ids, {});
}

absl::StatusOr<Encoding> Tokenizer::EncodePair(std::string_view first, std::string_view second,
                                               const TemplateOptions& options) const {
  auto a = parts_->EncodeText(first, options.parse_special);
  auto b = parts_->EncodeText(second, options.parse_special);
  const std::int64_t room = options.max_tokens - CountTokens(parts_->pair);
  if (room < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("max_tokens ", options.max_tokens, " is less than the template's own tokens"));
  }
  auto n1 = static_cast<std::int64_t>(a.size());
  auto n2 = static_cast<std::int64_t>(b.size());
  if (n1 + n2 > room) {
    if (options.truncation == Truncation::kOnlySecond) {
      if (n1 >= room) {
        return absl::InvalidArgumentError(
            absl::StrCat("first text of ", n1, " tokens leaves no room for the second in ", room));
      }
      n2 = room - n1;
    } else {
      // The shorter keeps all it has if the longer can give enough, else they share.
      std::int64_t shorter = std::min(n1, n2);
      std::int64_t longer = shorter > room ? shorter : std::max(shorter, room - shorter);
      if (shorter + longer > room) {
        shorter = room / 2;
        longer = shorter + room % 2;
      }
      const bool swapped = n1 > n2;
      n1 = swapped ? longer : shorter;
      n2 = swapped ? shorter : longer;
    }
    a.resize(std::min(a.size(), static_cast<std::size_t>(n1)));
    b.resize(std::min(b.size(), static_cast<std::size_t>(n2)));
  }
  return Fill(parts_->pair, a, b);
}

std::string Tokenizer::Decode(std::span<const std::int32_t> ids, bool skip_special) const {
  return parts_->decoder.Decode(ids, skip_special);
}

StreamDecoder Tokenizer::Stream(bool skip_special) const {
  return StreamDecoder(parts_->decoder, skip_special);
}

int Tokenizer::VocabularySize() const { return static_cast<int>(parts_->texts.size()); }

std::optional<std::int32_t> Tokenizer::TokenId(std::string_view token) const {
  const auto it = parts_->ids.find(absl::string_view(token.data(), token.size()));
  return it == parts_->ids.end() ? std::nullopt : std::optional(it->second);
}

std::string_view Tokenizer::TokenText(std::int32_t id) const {
  return id < 0 || id >= VocabularySize() ? std::string_view()
                                          : parts_->texts[static_cast<std::size_t>(id)];
}

std::string Tokenizer::TokenBytes(std::int32_t id) const { return parts_->decoder.Bytes(id); }

bool Tokenizer::IsControl(std::int32_t id) const { return parts_->control.contains(id); }

}  // namespace citeseek::inference
