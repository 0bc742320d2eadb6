#include "services/gateway/thinking.h"

#include <gtest/gtest.h>

#include <string>

namespace citeseek::gateway {
namespace {

using inference::Piece;
using Opening = ThoughtSplitter::Opening;

struct Split {
  std::string thought, answer;
  Opening learned = Opening::kUnknown;
};

Split SplitAll(Opening opening, const std::vector<Piece>& pieces, bool whole = true) {
  ThoughtSplitter splitter(opening);
  std::vector<Piece> out;
  for (const Piece& piece : pieces) splitter.Feed(piece, &out);
  splitter.Finish(whole, &out);
  Split split{.learned = splitter.learned()};
  for (const Piece& piece : out) {
    EXPECT_FALSE(piece.text.empty());
    (piece.kind == Piece::Kind::kThought ? split.thought : split.answer) += piece.text;
  }
  return split;
}

std::vector<Piece> Cut(const std::string& text, std::size_t size) {
  std::vector<Piece> pieces;
  for (std::size_t i = 0; i < text.size(); i += size)
    pieces.push_back({.text = text.substr(i, size)});
  return pieces;
}

TEST(ThoughtSplitter, SplitsTaggedThoughtsHoweverTheStreamIsCut) {
  for (std::size_t size : {1, 2, 3, 5, 7, 11, 100}) {
    for (Opening opening : {Opening::kUnknown, Opening::kAnswer}) {
      const Split split =
          SplitAll(opening, Cut("\n<think>\nsecret < 3 <b>\n</think>\n\nThe answer.", size));
      EXPECT_EQ(split.thought, "secret < 3 <b>\n") << size;
      EXPECT_EQ(split.answer, "The answer.") << size;
      EXPECT_EQ(split.learned, Opening::kAnswer);
    }
  }
}

TEST(ThoughtSplitter, AThoughtWithoutItsOpenTagNeverEntersTheAnswer) {
  for (std::size_t size : {1, 4, 100}) {
    for (Opening opening : {Opening::kUnknown, Opening::kThought}) {
      const Split split = SplitAll(opening, Cut("Okay, secret\n</think>\n\nanswer", size));
      EXPECT_EQ(split.thought, "Okay, secret\n");
      EXPECT_EQ(split.answer, "answer");
      EXPECT_EQ(split.learned, Opening::kThought);
    }
  }
}

TEST(ThoughtSplitter, AThoughtThatIsNeverClosedStaysAThought) {
  const Split split = SplitAll(Opening::kUnknown, Cut("<think>and on and on </thin", 3));
  EXPECT_EQ(split.thought, "and on and on </thin");
  EXPECT_EQ(split.answer, "");
}

TEST(ThoughtSplitter, TextWithoutTagsIsTheAnswer) {
  const Split split = SplitAll(Opening::kUnknown, Cut("a < b and <table>", 2));
  EXPECT_EQ(split.thought, "");
  EXPECT_EQ(split.answer, "a < b and <table>");
  EXPECT_EQ(split.learned, Opening::kAnswer);
}

TEST(ThoughtSplitter, TextThatWasCutOffBeforeAnyTagMayBeAThought) {
  const Split split = SplitAll(Opening::kUnknown, Cut("Let me see. The user", 3), false);
  EXPECT_EQ(split.thought, "Let me see. The user");
  EXPECT_EQ(split.answer, "");
  EXPECT_EQ(split.learned, Opening::kUnknown);
}

TEST(ThoughtSplitter, ThoughtPiecesOfTheModelServerOpenTheAnswerAtOnce) {
  ThoughtSplitter splitter(Opening::kUnknown);
  std::vector<Piece> out;
  splitter.Feed({.kind = Piece::Kind::kThought, .text = "hm"}, &out);
  splitter.Feed({.text = "\n\nanswer"}, &out);
  ASSERT_EQ(out.size(), 2u);  // not held back
  EXPECT_EQ(out[1].text, "answer");
}

TEST(ThoughtSplitter, AnUnknownModelThatDoesNotBeginAsThoughtsDoStreamsFromItsFirstWord) {
  for (const char* start : {"The bridge", "Sofa", "望月桥", "1998", "- a", "<b>x"}) {
    ThoughtSplitter splitter(Opening::kUnknown);
    std::vector<Piece> out;
    splitter.Feed({.text = start}, &out);
    splitter.Feed({.text = " is"}, &out);
    ASSERT_EQ(out.size(), 2u) << start;
    EXPECT_EQ(out[0].kind, Piece::Kind::kText);
    EXPECT_EQ(out[0].text, start);
    splitter.Finish(true, &out);
    EXPECT_EQ(splitter.learned(), Opening::kAnswer);
  }
}

TEST(ThoughtSplitter, TextThatBeginsAsThoughtsDoIsHeldBack) {
  for (const char* start : {"Okay, ", "\nHmm", "嗯，", "I", "O"}) {
    ThoughtSplitter splitter(Opening::kUnknown);
    std::vector<Piece> out;
    splitter.Feed({.text = start}, &out);
    EXPECT_TRUE(out.empty()) << start;
    splitter.Finish(true, &out);
    ASSERT_EQ(out.size(), 1u) << start;
    EXPECT_EQ(out[0].kind, Piece::Kind::kText);
  }
}

TEST(ThoughtSplitter, AThoughtThatBeganLikeAnAnswerTeachesTheNextReply) {
  const Split split = SplitAll(Opening::kUnknown, Cut("Bridges... </think>Yes.", 4));
  EXPECT_EQ(split.answer, "Bridges... Yes.");
  EXPECT_EQ(split.learned, Opening::kThought);
}

TEST(ThoughtSplitter, KnownAnswersAreNotHeldBack) {
  ThoughtSplitter splitter(Opening::kAnswer);
  std::vector<Piece> out;
  splitter.Feed({.text = "answer <"}, &out);
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].text, "answer ");
}

}  // namespace
}  // namespace citeseek::gateway
