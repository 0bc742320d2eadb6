#include "indexer/parse/html_tokens.h"

#include <gtest/gtest.h>

namespace citeseek::indexer::parse {
namespace {

// "<b", ">b" and text, each in brackets.
std::string Tokens(std::string_view page) {
  HtmlTokenizer tokenizer(page);
  HtmlToken token;
  std::string out;
  while (tokenizer.Next(token)) {
    switch (token.kind) {
      case HtmlToken::Kind::kText:
        out += "[" + std::string(token.text) + "]";
        break;
      case HtmlToken::Kind::kStart:
        out += "[<" + token.name + "]";
        break;
      case HtmlToken::Kind::kEnd:
        out += "[>" + token.name + "]";
        break;
    }
  }
  return out;
}

TEST(HtmlTokens, TagsAndTextComeInOrder) {
  EXPECT_EQ(Tokens("a<B>b</B >c<br/>d"), "[a][<b][b][>b][c][<br][d]");
  EXPECT_EQ(Tokens("<p class=x title=\"a > b\" data-x='</p>'>t"), "[<p][t]");
}

TEST(HtmlTokens, ALoneAngleBracketIsText) {
  EXPECT_EQ(Tokens("1 < 2 <"), "[1 ][< 2 ][<]");
  EXPECT_EQ(Tokens("<<b>"), "[<][<b]");
}

TEST(HtmlTokens, CommentsAndDeclarationsAreLeftOut) {
  EXPECT_EQ(Tokens("<!doctype html>a<!-- <b> -- > -->b<!-->c<?php x ?>d</ >e"), "[a][b][c][d][e]");
  EXPECT_EQ(Tokens("a<!-- never <b>closed"), "[a][closed]");
}

TEST(HtmlTokens, ScriptAndTitleHoldNoMarkup) {
  EXPECT_EQ(Tokens("<script>if (a<b) '</scripty>'</SCRIPT >x"),
            "[<script][if (a<b) '</scripty>'][>script][x]");
  EXPECT_EQ(Tokens("<title>a <b> c</title>d"), "[<title][a <b> c][>title][d]");
  EXPECT_EQ(Tokens("<style>p{}"), "[<style][p{}]");
  EXPECT_EQ(Tokens("<title>Unclosed<p>text"), "[<title][Unclosed][<p][text]");
}

TEST(HtmlTokens, APageMayEndAnywhere) {
  for (const char* page : {"<", "</", "<a", "<a b", "<a b=", "<a b='", "<a b='c", "<!", "<!--",
                           "<!-- -", "<?", "</a", "<script", "<script>", "<script></scrip", "&"}) {
    HtmlTokenizer tokenizer(page);
    HtmlToken token;
    int tokens = 0;
    while (tokenizer.Next(token)) ++tokens;
    EXPECT_LE(tokens, 3) << page;
  }
}

TEST(HtmlTokens, WhatAttributesSayOfAnElementIsSeen) {
  EXPECT_TRUE(ReadNotes(" hidden").hidden);
  EXPECT_TRUE(ReadNotes(" class=x HIDDEN=''/").hidden);
  EXPECT_TRUE(ReadNotes(" style='color: red; DISPLAY : none'").hidden);
  EXPECT_TRUE(ReadNotes(" style=visibility:hidden").hidden);
  EXPECT_FALSE(ReadNotes(" class=hidden data-hidden=1").hidden);
  EXPECT_FALSE(ReadNotes(" title='hidden'").hidden);
  EXPECT_FALSE(ReadNotes(" style='display:block'").hidden);
  EXPECT_TRUE(ReadNotes(" role=Navigation").hidden);
  EXPECT_FALSE(ReadNotes(" role=note data-role=menu").hidden);
  EXPECT_TRUE(ReadNotes(" role='main'").main);
  EXPECT_TRUE(ReadNotes(" aria-hidden='true'").decoration);
  EXPECT_FALSE(ReadNotes(" aria-hidden=false").decoration);
}

}  // namespace
}  // namespace citeseek::indexer::parse
