// Chat templates against what transformers renders, and the prompts' ids.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inference/model/chat_template.h"
#include "tests/support/shared.h"

namespace citeseek::inference {
namespace {

TEST(ChatTemplateGoldenTest, EveryTemplateRendersAsByTheReference) {
  const auto shared = SharedDirectory();
  if (!shared) GTEST_SKIP() << "no shared directory with golden chat templates";
  int seen = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(*shared / "golden" / "chat-templates")) {
    const auto golden = ParseJson(ReadFile(entry.path()), entry.path().string());
    ASSERT_TRUE(golden.ok()) << golden.status();
    std::vector<std::pair<std::string, std::string>> tokens;
    for (const auto& [name, value] : *golden->Find("context")->Object()) {
      if (value.String() != nullptr) tokens.emplace_back(name, *value.String());
    }
    const auto chat = ChatTemplate::Compile(*golden->Find("template_source")->String(), tokens);
    ASSERT_TRUE(chat.ok()) << entry.path() << chat.status();
    for (const Json& c : *golden->Find("cases")->Array()) {
      SCOPED_TRACE(entry.path().stem().string() + " " + *c.Find("id")->String());
      ChatInput input = {.messages = *c.Find("messages"), .tools = *c.Find("tools")};
      input.add_generation_prompt = *c.Find("add_generation_prompt")->Bool();
      for (const auto& [name, value] : *c.Find("extra")->Object()) {
        input.extra.emplace_back(name, value);
      }
      const auto prompt = chat->Render(input);
      if (c.Find("error") != nullptr) {
        EXPECT_FALSE(prompt.ok()) << *c.Find("error")->String();
      } else {
        ASSERT_TRUE(prompt.ok()) << prompt.status();
        EXPECT_EQ(prompt->text, *c.Find("rendered")->String());
      }
      ++seen;
    }
  }
  EXPECT_GT(seen, 80);
}

}  // namespace
}  // namespace citeseek::inference
