#include "inference/text/reply.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/tiny_model.h"

namespace citeseek::inference {
namespace {

constexpr ThinkTokens kThink = {kTinyThink, kTinyThinkEnd};

// The pieces of one reply, one after another: "[thought]" and "text".
class ReplyTest : public testing::Test {
 protected:
  void SetUp() override {
    auto tokenizer = Tokenizer::Parse(TinyTokenizerJson(), "", "tiny");
    ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
    tokenizer_ = *std::move(tokenizer);
  }

  // Control tokens in the text are tokens.
  std::vector<std::int32_t> Tokens(std::string_view text) const {
    return tokenizer_->Encode(text, {.parse_special = true});
  }

  static std::string Joined(const std::vector<Piece>& pieces) {
    std::string out;
    std::optional<Piece::Kind> last;
    for (const Piece& piece : pieces) {
      EXPECT_FALSE(piece.text.empty());
      if (last.has_value() && *last != piece.kind) {
        out += piece.kind == Piece::Kind::kThought ? "[" : "]";
      } else if (!last.has_value() && piece.kind == Piece::Kind::kThought) {
        out += "[";
      }
      last = piece.kind;
      out += piece.text;
    }
    return out;
  }

  std::string Say(std::string_view text, bool in_thought = false,
                  std::vector<std::string> stops = {}, ThinkTokens think = kThink) {
    Reply reply(*tokenizer_, think, in_thought, std::move(stops));
    std::vector<Piece> pieces;
    for (const std::int32_t id : Tokens(text)) reply.Push(id, pieces);
    reply.Finish(pieces);
    stopped_ = reply.stopped();
    return Joined(pieces);
  }

  std::unique_ptr<Tokenizer> tokenizer_;
  bool stopped_ = false;
};

TEST_F(ReplyTest, ThoughtsAreToldFromTextByTheirTokens) {
  EXPECT_EQ(Say("<think>\nwhy\n</think>\n\nso"), "[why\n]so");
  EXPECT_EQ(Say("why\n</think>\n\nso", true), "[why\n]so");
  EXPECT_EQ(Say(" plain text"), " plain text");
  EXPECT_EQ(Say("never ends", true), "[never ends");
}

TEST_F(ReplyTest, ATagThatMeansNothingHereIsText) {
  EXPECT_EQ(Say("a</think>b"), "a</think>b");
  EXPECT_EQ(Say("a<think>b", true), "[a<think>b");
  EXPECT_EQ(Say("<think>a</think>b", false, {}, {}), "<think>a</think>b");
}

TEST_F(ReplyTest, PiecesAreWholeCharacters) {
  Reply reply(*tokenizer_, kThink, false, {});
  std::vector<Piece> pieces;
  for (const char c : std::string("\xe4\xbd")) {
    reply.Push(static_cast<unsigned char>(c), pieces);
  }
  EXPECT_TRUE(pieces.empty());
  reply.Push(0xa0, pieces);
  ASSERT_EQ(pieces.size(), 1u);
  EXPECT_EQ(pieces[0].text, "你");
  reply.Push(0xe4, pieces);
  reply.Finish(pieces);
  EXPECT_EQ(Joined(pieces), "你\uFFFD");
}

TEST_F(ReplyTest, BytesOfAThoughtNeverJoinThoseOfTheText) {
  Reply reply(*tokenizer_, kThink, true, {});
  std::vector<Piece> pieces;
  for (const std::int32_t id : {0xe4, kTinyThinkEnd, 0xbd, 0xa0}) reply.Push(id, pieces);
  reply.Finish(pieces);
  EXPECT_EQ(Joined(pieces), "[\uFFFD]\uFFFD\uFFFD");
}

TEST_F(ReplyTest, AStopStringEndsTheTextButNotTheThought) {
  EXPECT_EQ(Say("a STOP b</think>c STOP d", true, {"STOP"}), "[a STOP b]c ");
  EXPECT_TRUE(stopped_);
  EXPECT_EQ(Say("text STO", false, {"STOP"}), "text STO");
  EXPECT_FALSE(stopped_);
}

TEST_F(ReplyTest, WhatWasHeldBackComesBeforeTheNextThought) {
  EXPECT_EQ(Say("text ST<think>OP</think>go", false, {"STOP"}), "text ST[OP]go");
}

}  // namespace
}  // namespace citeseek::inference
