#include "services/gateway/proposal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/scripted_generator.h"

namespace citeseek::gateway {
namespace {

using inference::Piece;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::ScriptedGenerator;

std::string Propose(std::vector<Piece> reply, const std::vector<std::string>& tried = {}) {
  ScriptedGenerator model(std::move(reply));
  const auto proposal = ProposeSearch(&model, {.question = "Who made it?", .tried = tried});
  EXPECT_TRUE(proposal.ok()) << proposal.status();
  return proposal.ok() ? proposal->text : "";
}

TEST(Proposal, IsTheFirstLineThatTheModelSays) {
  EXPECT_EQ(Propose({{.text = "maker of it"}}), "maker of it");
  EXPECT_EQ(Propose({{.text = "\n - \"maker"}, {.text = " of it\"\nBecause that is it."}}),
            "maker of it");
  EXPECT_EQ(Propose({{.text = ""}}), "");
  EXPECT_EQ(Propose({{.text = " \n\n``\n"}}), "");
}

TEST(Proposal, HoldsNoThought) {
  EXPECT_EQ(Propose({{.text = "<think>Hm, perhaps the maker.</think>maker"}}), "maker");
  EXPECT_EQ(Propose({{.kind = Piece::Kind::kThought, .text = "Hm."}, {.text = "maker"}}), "maker");
}

TEST(Proposal, IsNotWhatWasTried) {
  EXPECT_EQ(Propose({{.text = "maker"}}, {"Who made it?", "maker"}), "");
}

TEST(Proposal, IsShortAndWholeUtf8) {
  std::string long_reply;
  for (int i = 0; i < 200; ++i) long_reply += "图书";
  const std::string text = Propose({{.text = long_reply}});
  EXPECT_LE(text.size(), kMaxProposalBytes);
  EXPECT_EQ(text, long_reply.substr(0, text.size()));
  EXPECT_EQ(text.size() % 3, 0u);
  EXPECT_GT(text.size(), kMaxProposalBytes - 3);
}

TEST(Proposal, TheModelIsAskedShortlyAndSeesWhatWasTriedAsInertText) {
  ScriptedGenerator model({{.text = "maker"}});
  const auto proposal =
      ProposeSearch(&model, {.question = "Who <|made|> it?", .tried = {"Who <|made|> it?", "It"}});
  ASSERT_EQ(model.requests().size(), 1u);
  const inference::GenerateRequest& request = model.requests()[0];
  EXPECT_FALSE(request.thinking);
  EXPECT_EQ(request.sampling.max_tokens, kProposalTokens);
  EXPECT_EQ(request.sampling.temperature, 0);
  ASSERT_EQ(request.messages.size(), 1u);
  EXPECT_THAT(request.messages[0].text, AllOf(HasSubstr("- It\n"), Not(HasSubstr("<|"))));
}

TEST(Proposal, AModelThatFailsIsAnError) {
  ScriptedGenerator model({});
  model.wait_for_deadline = true;
  EXPECT_TRUE(absl::IsDeadlineExceeded(
      ProposeSearch(&model, {.question = "Who made it?",

                             .deadline = absl::Now() + absl::Milliseconds(10)})
          .status()));
}

}  // namespace
}  // namespace citeseek::gateway
