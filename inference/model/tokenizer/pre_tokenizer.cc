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
// ASCII's symbols count. The reference knows the punctuation of Unicode 8: without the first set,
// which came later, and with two characters that have become letters and marks since.
constexpr std::string_view kPunctuationPattern =
    R"((?![\u061D\u09FD\u0A76\u0C77\u0C84\u1B7D\u1B7E\u2E43-\u2E4F\u2E52-\u2E5D\u{10EAD})"
    R"(\u{10F55}-\u{10F59}\u{10F86}-\u{10F89}\u{1144B}-\u{1144F}\u{1145A}-\u{1145D})"
    R"(\u{11660}-\u{1166C}\u{116B9}\u{1183B}\u{11944}-\u{11946}\u{119E2}\u{11A3F}-\u{11A46})"
    R"(\u{11A9A}-\u{11A9C}\u{11A9E}-\u{11AA2}\u{11B00}-\u{11B09}\u{11C41}-\u{11C45})"
    R"(\u{11C70}\u{11C71}\u{11EF7}\u{11EF8}\u{11F43}-\u{11F4F}\u{11FFF}\u{12FF1}\u{12FF2})"
    R"(\u{16E97}-\u{16E9A}\u{16FE2}\u{1E95E}\u{1E95F}])[\p{P}$+<=>^`|~\u166D\u{111C9}])";

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
  using Behavior = PreTokenizerStep::Behavior;
  const Behavior behavior =
      spec.kind == Kind::kWhitespaceSplit ? Behavior::kRemoved : spec.behavior;
  const bool last = index + 1 == steps_.size();
  const auto emit = [&](std::string_view part) {
    if (last) return word(part);
    Run(index + 1, part, first && part.data() == text.data(), word);
  };
  if (behavior == Behavior::kIsolated || behavior == Behavior::kRemoved) {
    pattern[0].Split(text, [&](std::string_view part, bool is_match) {
      if (behavior == Behavior::kIsolated || is_match == spec.invert) emit(part);
    });
    return;
  }
  std::string_view held;      // what may still grow
  bool held_matches = false;  // its last part does
  pattern[0].Split(text, [&](std::string_view part, bool is_match) {
    const bool matches = is_match != spec.invert;
    const bool joins = behavior == Behavior::kContiguous       ? matches == held_matches
                       : behavior == Behavior::kMergedWithNext ? held_matches && !matches
                                                               : matches && !held_matches;
    if (!held.empty() && joins) {
      held = std::string_view(held.data(), held.size() + part.size());
    } else {
      if (!held.empty()) emit(held);
      held = part;
    }
    held_matches = matches;
  });
  if (!held.empty()) emit(held);
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
