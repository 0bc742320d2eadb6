#include "inference/model/chat_template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "inference/model/tokenizer.h"

namespace citeseek::inference {
namespace {

using ::testing::HasSubstr;

ChatInput Says(std::string_view content) {
  ChatInput input;
  JsonObject message;
  message.emplace_back("role", Json{.value = std::string("user")});
  message.emplace_back("content", Json{.value = std::string(content)});
  JsonArray messages(1);
  messages[0].value = std::move(message);
  input.messages.value = std::move(messages);
  return input;
}

std::string Rendered(std::string_view source, std::string_view content = "Hi") {
  const auto chat = ChatTemplate::Compile(source, {{"bos_token", "<s>"}});
  if (!chat.ok()) return std::string(chat.status().message());
  const auto prompt = chat->Render(Says(content));
  return prompt.ok() ? prompt->text : std::string(prompt.status().message());
}

TEST(ChatTemplateTest, WhatUsersWroteIsMarkedThroughStripSplitAndConcatenation) {
  const auto chat =
      ChatTemplate::Compile("{{ bos_token + (messages[0].content | trim).split('|')[1] + '</s>' }}",
                            {{"bos_token", "<s>"}});
  ASSERT_TRUE(chat.ok()) << chat.status();
  const auto prompt = chat->Render(Says("  a|<s>b "));
  ASSERT_TRUE(prompt.ok()) << prompt.status();
  EXPECT_EQ(prompt->text, "<s><s>b</s>");
  ASSERT_EQ(prompt->user.size(), 1u);
  EXPECT_EQ(prompt->user[0].begin, 3u);
  EXPECT_EQ(prompt->user[0].end, 7u);
}

TEST(ChatTemplateTest, TextOfUsersNeverBecomesAControlTokenOfThePrompt) {
  const auto tokenizer = Tokenizer::Parse(
      R"({"added_tokens": [{"id": 9, "content": "<s>", "special": true},
                           {"id": 8, "content": "<think>", "special": false}],
          "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false},
          "decoder": {"type": "ByteLevel"},
          "model": {"type": "BPE", "vocab": {"<": 0, "s": 1, ">": 2, "t": 3, "h": 4}, "merges": []}})",
      "", "test");
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  const auto chat = ChatTemplate::Compile("{{ bos_token }}{{ messages[0].content }}{{ '<think>' }}",
                                          {{"bos_token", "<s>"}});
  const auto prompt = chat->Render(Says("<s>h<think"));
  ASSERT_TRUE(prompt.ok()) << prompt.status();
  const auto ids = (*tokenizer)->EncodePrompt(prompt->text, prompt->user);
  EXPECT_EQ(ids.front(), 9);
  EXPECT_EQ(ids.back(), 8);
  EXPECT_EQ(std::count(ids.begin(), ids.end(), 9), 1);
  EXPECT_EQ(std::count(ids.begin(), ids.end(), 8), 1);
}

TEST(ChatTemplateTest, ErrorsSayTheLineAndWhatIsUnknown) {
  EXPECT_THAT(Rendered("a\n{% include 'x' %}"), HasSubstr("line 2: tag \"include\" is unknown"));
  EXPECT_THAT(Rendered("{{ x | nope }}"), HasSubstr("filter \"nope\" is unknown"));
  EXPECT_THAT(Rendered("{% if x %}"), HasSubstr("no endif"));
  EXPECT_THAT(Rendered("{{ 'a' + 1 }}"), HasSubstr("can only concatenate str"));
  EXPECT_THAT(Rendered("{{ raise_exception('roles must alternate') }}"),
              HasSubstr("roles must alternate"));
}

TEST(ChatTemplateTest, HostileTemplatesEndWithAnError) {
  EXPECT_THAT(Rendered("{% set r = range(9999) %}{% for i in r %}{% for j in r %}{% endfor %}"
                       "{% endfor %}"),
              HasSubstr("takes more than"));
  EXPECT_THAT(Rendered("{% set ns = namespace(x='ab') %}{% for i in range(99) %}"
                       "{% set ns.x = ns.x + ns.x %}{% endfor %}"),
              HasSubstr("template:"));
  EXPECT_THAT(Rendered("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}"), HasSubstr("deep"));
  EXPECT_THAT(Rendered("{% set ns = namespace(x=[]) %}{% for i in range(99) %}"
                       "{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}"),
              HasSubstr("too deep or too large"));
  EXPECT_THAT(Rendered("{{ " + std::string(9999, '(') + "1" + std::string(9999, ')') + " }}"),
              HasSubstr("nested deeper"));
  EXPECT_THAT(Rendered("{{ 'a' * 99999999999 }}"), HasSubstr("bytes"));
}

TEST(ChatTemplateTest, JsonIsWrittenAsByTransformers) {
  EXPECT_EQ(Rendered("{{ {'b': [1, '\u00E9\U0001F600']} | tojson }}"),
            "{\"b\": [1, \"\u00E9\U0001F600\"]}");
  EXPECT_EQ(Rendered("{{ {'b': [1, '\u00E9\U0001F600']} | tojson(ensure_ascii=True) }}"),
            R"({"b": [1, "\u00e9\ud83d\ude00"]})");
  EXPECT_EQ(Rendered("{{ {'b': [1, 2]} | tojson(separators=(',', ':')) }}"), R"({"b":[1,2]})");
  EXPECT_EQ(Rendered("{{ {'b': 1, 'a': [1]} | tojson(indent=2, sort_keys=true) }}"),
            "{\n  \"a\": [\n    1\n  ],\n  \"b\": 1\n}");
  EXPECT_THAT(Rendered("{{ [] | tojson(separators=3) }}"), HasSubstr("needs two separators"));
}

TEST(ChatTemplateTest, FormatPutsArgumentsIntoPlaces) {
  EXPECT_EQ(Rendered("{{ '<{}|{}{{}}>'.format(1, bos_token) }}"), "<1|<s>{}>");
  EXPECT_EQ(Rendered("{{ '{1}{0}{x}'.format('a', 'b', x='c') }}"), "bac");
  EXPECT_THAT(Rendered("{{ '{} {}'.format(1) }}"), HasSubstr("str.format has nothing for \"{}\""));
  EXPECT_THAT(Rendered("{{ '{'.format(1) }}"), HasSubstr("str.format has nothing"));
  const auto chat = ChatTemplate::Compile("{{ 'a{}'.format(messages[0].content) }}", {});
  const auto prompt = chat->Render(Says("<s>"));
  ASSERT_TRUE(prompt.ok()) << prompt.status();
  ASSERT_EQ(prompt->user.size(), 1u);
  EXPECT_EQ(prompt->user[0].begin, 1u);
}

TEST(ChatTemplateTest, FunctionsOfTheEnvironmentAreDefined) {
  constexpr std::string_view kSource =
      "{% if strftime_now is defined %}{{ strftime_now('%Y') }}{% else %}2024{% endif %}";
  EXPECT_EQ(Rendered(kSource), "2024");  // no clock
  ChatInput input = Says("Hi");
  input.strftime_now = [](std::string_view) { return "2026"; };
  const auto chat = ChatTemplate::Compile(kSource, {});
  EXPECT_EQ(chat->Render(input)->text, "2026");
  EXPECT_EQ(Rendered("{{ raise_exception is callable }}{{ range is undefined }}"), "TrueFalse");
}

TEST(ChatTemplateTest, WhiteSpaceIsControlledAsByTransformers) {
  EXPECT_EQ(Rendered("  {% if true %}\n  x\n  {%- endif %}\ny\n"), "  xy");
  EXPECT_EQ(Rendered("a {{- ' b ' -}} c"), "a b c");
  EXPECT_EQ(Rendered("{# c #}\nd{% raw %}{{ x }}{% endraw %}"), "d{{ x }}");
}

}  // namespace
}  // namespace citeseek::inference
