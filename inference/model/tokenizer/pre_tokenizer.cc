#include "inference/model/tokenizer/pre_tokenizer.h"

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace citeseek::inference {
namespace {

using Kind = PreTokenizerStep::Kind;

constexpr std::size_t kMaxSteps = 32;
constexpr std::size_t kMaxReplacementBytes = 16;

constexpr std::string_view kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
constexpr std::string_view kPunctuationPattern = R"([\p{P}$+<=>^`|~])";  // ASCII's symbols count

std::string Replaced(std::string_view text, std::string_view blank) {
  std::string out;
  out.reserve(text.size() + text.size() / 2);
  while (true) {
    const std::size_t at = text.find(' ');
    out += text.substr(0, at);
    if (at == std::string_view::npos) return out;
    out += blank;
    text.remove_prefix(at + 1);
  }
}

}  // namespace

absl::StatusOr<PreTokenizer> PreTokenizer::Make(const std::vector<PreTokenizerStep>& steps) {
  PreTokenizer result;
  if (steps.size() > kMaxSteps) {
    return absl::InvalidArgumentError(
        absl::StrCat(steps.size(), " pre-tokenizers are more than ", kMaxSteps));
  }
  for (const PreTokenizerStep& spec : steps) {
    std::string_view regex;
    switch (spec.kind) {
      case Kind::kSplit:
        regex = spec.pattern;
        break;
      case Kind::kByteLevel:
        regex = spec.use_pattern ? kGpt2Pattern : "";
        break;
      case Kind::kMetaspace:
        break;
      case Kind::kWhitespaceSplit:
        regex = R"(\s+)";
        break;
      case Kind::kPunctuation:
        regex = kPunctuationPattern;
        break;
      case Kind::kDigits:
        regex = spec.single_digits ? R"(\p{N})" : R"(\p{N}+)";
        break;
    }
    if (spec.replacement.size() > kMaxReplacementBytes) {
      return absl::InvalidArgumentError(absl::StrCat("a replacement of ", spec.replacement.size(),
                                                     " bytes is longer than ",
                                                     kMaxReplacementBytes));
    }
    if (spec.kind == Kind::kByteLevel && regex.empty() && !spec.add_prefix_space) continue;
    Step step{.spec = spec};
    if (spec.kind == Kind::kSplit && !spec.pattern_is_regex) {
      step.pattern.push_back(SplitPattern::Literal(spec.pattern));
    } else if (!regex.empty()) {
      auto pattern = SplitPattern::Compile(regex);
      if (!pattern.ok()) return pattern.status();
      step.pattern.push_back(*std::move(pattern));
    }
    result.steps_.push_back(std::move(step));
  }
  return result;
}

void PreTokenizer::Run(std::size_t index, std::string_view text, bool first, WordSink word) const {
  if (text.empty()) return;
  if (index == steps_.size()) {
    word(text);
    return;
  }
  const PreTokenizerStep& spec = steps_[index].spec;
  const auto& pattern = steps_[index].pattern;
  if (spec.kind == Kind::kMetaspace) {
    RunMetaspace(index, text, first, word);
    return;
  }
  if (spec.add_prefix_space && text[0] != ' ') {
    Run(index, " " + std::string(text), first, word);
    return;
  }
  if (pattern.empty()) {
    Run(index + 1, text, first, word);
    return;
  }
  const bool drops =
      spec.kind == Kind::kWhitespaceSplit || spec.behavior == PreTokenizerStep::Behavior::kRemoved;
  const bool last = index + 1 == steps_.size();
  pattern[0].Split(text, [&](std::string_view part, bool is_match) {
    if (drops && is_match != spec.invert) return;
    if (last) return word(part);
    Run(index + 1, part, first && part.data() == text.data(), word);
  });
}

void PreTokenizer::RunMetaspace(std::size_t index, std::string_view text, bool first,
                                WordSink word) const {
  const PreTokenizerStep& spec = steps_[index].spec;
  const std::string_view mark = spec.replacement;
  std::string marked = Replaced(text, mark);
  const bool wants_mark = spec.prepend == PreTokenizerStep::Prepend::kAlways ||
                          (spec.prepend == PreTokenizerStep::Prepend::kFirst && first);
  if (wants_mark && !std::string_view(marked).starts_with(mark)) marked.insert(0, mark);
  std::string_view rest = marked;
  while (spec.split && !rest.empty()) {
    const std::size_t next = rest.find(mark, rest.starts_with(mark) ? mark.size() : 0);
    if (next == std::string_view::npos) break;
    Run(index + 1, rest.substr(0, next), first && rest.data() == marked.data(), word);
    rest.remove_prefix(next);
  }
  Run(index + 1, rest, first && rest.data() == marked.data(), word);
}

}  // namespace citeseek::inference
