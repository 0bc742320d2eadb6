#include "inference/batch/citation_markers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "inference/batch/thinking_budget.h"
#include "inference/batch/token_engine.h"
#include "tests/inference/model/golden.h"

namespace citeseek::inference {
namespace {

// Tokens as vocabularies have them: markers are cut in many ways.
const std::vector<std::string> kPieces = {
    "[",    "]",    "[1",     "[2",         "[3",       "][",       "]",         " ",
    ",",    "1",    "2",      "3",          "9",        "12",       "0",         "a",
    "i",    "[i",   "sic",    "[citation:", "citation", ":",        "^",         "\xE3",
    "\x80", "\x90", "\u3010", "\uFF3B",     "-",        "\u3011",   "[webpage ", "Source: 4",
    ", 2",  "][4",  "\n",     "7]",         "2023",     " 10 days", "[["};

// The numbers of all markers, read from the left of each bracket. -1: one begins with a zero.
std::vector<int> NumbersIn(const std::string& text) {
  std::vector<int> numbers;
  const auto skip = [&](std::size_t& at, std::string_view bytes) {
    const std::size_t begin = at;
    while (at < text.size() && bytes.find(text[at]) != std::string_view::npos) ++at;
    return at > begin;
  };
  for (std::size_t begin = 0; begin < text.size(); ++begin) {
    std::size_t at = begin;
    for (const std::string_view open : {"[", "\u3010", "\uFF3B"}) {
      if (text.compare(begin, open.size(), open) == 0) at += open.size();
    }
    if (at == begin) continue;
    const auto label = [&] {
      for (const std::string_view name : {"citation", "Source", "webpage"}) {
        if (text.compare(at, name.size(), name) == 0) return at += name.size(), true;
      }
      return false;
    };
    bool more = true;
    while (more) {
      for (skip(at, " :^"); label(); skip(at, " :^")) {
      }
      const std::size_t digits = at;
      if (!skip(at, "0123456789")) break;
      numbers.push_back(text[digits] == '0' ? -1
                                            : std::stoi(text.substr(
                                                  digits, std::min<std::size_t>(at - digits, 6))));
      more = skip(at, " ,-");
      if (more) skip(at, " ,-:^");
    }
  }
  return numbers;
}

bool Allows(TokenConstraint& constraint, std::int32_t id) {
  const AllowedTokens next = constraint.Next();
  return next.kind == AllowedTokens::Kind::kAll ||
         std::find(next.tokens.begin(), next.tokens.end(), id) == next.tokens.end();
}

// Says `text` byte by byte; the place where it is not allowed to go on, or npos.
std::size_t Refused(const std::string& text, int sources) {
  std::vector<std::string> bytes(256);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = std::string(1, static_cast<char>(i));
  const TokenBytes tokens(bytes);
  CitationMarkers markers(tokens, sources);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto id = static_cast<std::int32_t>(static_cast<unsigned char>(text[i]));
    if (!Allows(markers, id)) return i;
    markers.Accept(id);
  }
  return std::string::npos;
}

TEST(CitationMarkersTest, NumbersOfSourcesAreSaidAndNoOthers) {
  for (const char* text : {"It is so [1][12]. And [citation:7], [3, 4], [^2] [[5]] 【6】［12］"}) {
    EXPECT_EQ(Refused(text, 12), std::string::npos) << text;
  }
  EXPECT_EQ(Refused("so [13]", 12), 5u);
  EXPECT_EQ(Refused("so [0]", 12), 4u);
  EXPECT_EQ(Refused("so [2]", 1), 4u);
  EXPECT_EQ(Refused("so [citation:13]", 12), 14u);
  EXPECT_EQ(Refused("so [Citation 20]", 12), 14u);
  EXPECT_EQ(Refused("so [3, 40]", 12), 8u);
  EXPECT_EQ(Refused("so [3 , 40]", 12), 9u);
  EXPECT_EQ(Refused("so \u301013", 12), 7u);
}

TEST(CitationMarkersTest, OrdinaryBracketsAndNumbersAreLeftAlone) {
  for (const char* text : {"[sic] a[i] = b[i + 99]; in 2023, (99) 99] {99} [RFC 2119] [c99]",
                           "[sources differ] [web 2000] [cite 99",
                           "\xE3\x80\x81"
                           "99、99"}) {
    EXPECT_EQ(Refused(text, 3), std::string::npos) << text;
  }
}

TEST(CitationMarkersTest, RandomTokensThatAreAllowedNeverNameASourceThatIsNotThere) {
  const TokenBytes tokens(kPieces);
  std::mt19937 random(3);
  std::size_t seen = 0, refused = 0;
  for (const int sources : {1, 2, 5, 12, 120, kMaxSources}) {
    for (int round = 0; round < 50; ++round) {
      CitationMarkers markers(tokens, sources);
      std::string text;
      for (int i = 0; i < 60; ++i) {
        const auto id = static_cast<std::int32_t>(random() % kPieces.size());
        if (!Allows(markers, id)) {
          // What is refused would have been a number of no source.
          const std::vector<int> with = NumbersIn(text + kPieces[static_cast<std::size_t>(id)]);
          EXPECT_TRUE(std::any_of(with.begin(), with.end(),
                                  [&](int number) { return number < 1 || number > sources; }))
              << text << " | " << kPieces[static_cast<std::size_t>(id)];
          ++refused;
          continue;
        }
        markers.Accept(id);
        text += kPieces[static_cast<std::size_t>(id)];
      }
      for (const int number : NumbersIn(text)) {
        EXPECT_TRUE(number >= 1 && number <= sources)
            << number << " of " << sources << ": " << text;
        ++seen;
      }
    }
  }
  EXPECT_GT(seen, 1000u);
  EXPECT_GT(refused, 1000u);
}

// What golden decoders say: their tokens stand for the pieces above.
std::vector<std::string> Texts(Decoder& decoder, const TokenBytes& tokens, int sources) {
  TokenEngineOptions options =
      OptionsFor(decoder, {.step_tokens = 64, .max_running = 4, .blocks = 32});
  options.speculation.row_cost = 0;
  TokenEngine engine([&](std::span<const SequenceStep> steps,
                         std::span<float> logits) { decoder.Forward(steps, logits); },
                     options);
  std::vector<std::string> texts;
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    CitationMarkers markers(tokens, sources);
    // In a thought of four tokens everything may be said.
    ThinkingBudget budget(
        {.begin = 1, .end = 2, .close = {2}, .open = seed % 2 == 0, .budget_tokens = 4}, &markers);
    std::string text;
    bool thought = seed % 2 == 0;
    const auto finish = engine.Generate(
        {.prompt = {5, 6, 7, 5, 6, 7, 5, 6},
         .sampling = {.temperature = seed < 2 ? 0.0 : 2.0, .seed = seed + 1, .max_tokens = 40},
         .constraint = sources > 0 ? &budget : nullptr},
        [&](const SampledToken& token) {
          if (!thought) text += tokens.Of(token.id);
          if (token.id == 1 || token.id == 2) thought = token.id == 1;
          return true;
        });
    EXPECT_TRUE(finish.ok()) << finish.status();
    texts.push_back(text);
  }
  EXPECT_GT(engine.Stats().drafted_tokens, 0);
  return texts;
}

TEST(CitationMarkersTest, GoldenDecodersCiteWhatIsThereWithDraftsAndThoughts) {
  const std::vector<Golden> goldens = Goldens("decoder");
  if (goldens.empty()) GTEST_SKIP() << "no golden decoders: set CITESEEK_SHARED";
  std::size_t seen = 0, wrong = 0;
  for (const Golden& golden : goldens) {
    SCOPED_TRACE(golden.folder);
    const auto config = ReadModelConfig(golden.folder.string());
    const auto weights = Weights::OpenFolder(golden.folder.string());
    ASSERT_TRUE(config.ok() && weights.ok());
    const auto backend = MakeCpuBackend({.threads = 1});
    auto decoder = Decoder::Load(*config, *weights, *backend,
                                 {.max_tokens = 64, .max_context = 128, .kv_blocks = 32});
    ASSERT_TRUE(decoder.ok()) << decoder.status();
    std::vector<std::string> pieces(static_cast<std::size_t>(config->vocabulary_size));
    for (std::size_t id = 3; id < pieces.size(); ++id) pieces[id] = kPieces[id % kPieces.size()];
    const TokenBytes tokens(pieces);
    for (const int sources : {3, 0}) {
      for (const std::string& text : Texts(**decoder, tokens, sources)) {
        for (const int number : NumbersIn(text)) {
          const bool right = number >= 1 && number <= 3;
          if (sources > 0) {
            EXPECT_TRUE(right) << number << ": " << text;
            ++seen;
          } else if (!right) {
            ++wrong;
          }
        }
      }
    }
  }
  EXPECT_GT(seen, 50u);
  EXPECT_GT(wrong, 50u) << "without the constraint they name anything";
}

}  // namespace
}  // namespace citeseek::inference
