#include "indexer/parse/html.h"

#include <gtest/gtest.h>

#include "inference/utf8.h"

namespace citeseek::indexer::parse {
namespace {

std::string Text(std::string_view page) { return ParseHtml(page).text; }

TEST(Html, ParagraphsAreApartAndWhiteSpaceCollapses) {
  EXPECT_EQ(Text("<p>One  two\n three</p>\n<p>Four<br>five<p>six"),
            "One two three\n\nFour\nfive\n\nsix");
  EXPECT_EQ(Text("a <b>bold</b>, <i>it</i>alic&nbsp;&amp; x"), "a bold, italic & x");
  EXPECT_EQ(Text("<div>a</div><div><div>b</div></div>c"), "a\nb\nc");
  EXPECT_EQ(Text("  plain text  "), "plain text");
  EXPECT_EQ(Text(""), "");
}

TEST(Html, HeadingsAreMarkedByTheirLevel) {
  EXPECT_EQ(Text("<h1>Top</h1><p>a</p><h3>Deep <em>er</em></h3>b"),
            "# Top\n\na\n\n### Deep er\n\nb");
  EXPECT_EQ(Text("<h2></h2><p>a"), "a");
  EXPECT_EQ(Text("<h2>a<br>b</h2>"), "## a b");
  EXPECT_EQ(Text("<h2>unclosed<p>a<h2>next"), "## unclosed a\n\n## next");
}

TEST(Html, TitleIsTheTitleElementOrTheFirstHeading) {
  EXPECT_EQ(ParseHtml("<title> A &amp;\n B </title><h1>C</h1>").title, "A & B");
  EXPECT_EQ(ParseHtml("<h2>Z</h2><h1>Fi<b>rst</b></h1><h1>Second</h1>").title, "First");
  EXPECT_EQ(ParseHtml("<svg><title>icon</title></svg><p>a").title, "");
  EXPECT_EQ(ParseHtml("<title>a</title><title>b</title>").title, "a");
}

TEST(Html, ListItemsAreMarkedAndNestedOnesIndented) {
  EXPECT_EQ(Text("a<ul><li>b<li>c<ol><li>d</li></ol></li><li><p>e</p></ul>f"),
            "a\n\n- b\n- c\n  - d\n- e\n\nf");
  EXPECT_EQ(Text("<ul><li></li><li>x</ul>"), "- x");
  EXPECT_EQ(Text("<dl><dt>term<dd>meaning<dt>next</dl>"), "term\nmeaning\nnext");
}

TEST(Html, TablesAreRowsOfColumns) {
  EXPECT_EQ(Text("<table><caption>Teas</caption><tr><th>Name<th>Price</tr>"
                 "<tr><td>Green</td><td><p>12.50</p></td></tr></table>after"),
            "Teas\nName | Price\nGreen | 12.50\n\nafter");
  EXPECT_EQ(Text("<table><tr><td></td><td>b</td><td></td><td>d</td></tr></table>"), "| b | | d");
  EXPECT_EQ(Text("<table><td>a<td>b<tr><td>c"), "a | b\nc");
  EXPECT_EQ(Text("<table><tr><td>a<ul><li>x<li>y</ul><td>b</table>"), "a x y | b");
  EXPECT_EQ(Text("<div><table><tr><td>a</div><td>b</table>"), "a | b");
}

TEST(Html, LayoutTablesAreRunningText) {
  EXPECT_EQ(Text("<table><tr><td><h1>T</h1><p>a</p><p>b</p></td><td>side</td></tr></table>c"),
            "# T\n\na\n\nb\n\nside\n\nc");
  EXPECT_EQ(Text("<table><tr><td><table><tr><td>1<td>2</table><td>x</table>"), "1 | 2\n\nx");
  const std::string prose(300, 'p');
  EXPECT_EQ(Text("<table><tr><td><p>" + prose + "</p><p>q</p></table>"), prose + "\n\nq");
}

TEST(Html, PreformattedTextKeepsItsLines) {
  EXPECT_EQ(Text("<p>a</p><pre>\n  if (x)\r\n    y();\n\n</pre>b"), "a\n\n  if (x)\n    y();\n\nb");
  EXPECT_EQ(Text("<pre>a<br>b &lt;c&gt;</pre>"), "a\nb <c>");
}

TEST(Html, WhatReadersDoNotSeeIsLeftOut) {
  EXPECT_EQ(Text("<head><title>t</title><style>p{}</style><script>x</script></head>"
                 "<nav>menu<ul><li>home</ul></nav><noscript>no</noscript><template><p>t</template>"
                 "<body>seen<!-- not --><svg><text>n</text></svg><select><option>o</select>"),
            "seen");
  EXPECT_EQ(Text("a<span hidden>b<span>c</span>d</span>e"), "ae");
  EXPECT_EQ(Text("<div style='display: none'>b<div>c</div></div>e"), "e");
  EXPECT_EQ(Text("<ul><li hidden>b<li>c</ul>"), "- c");
  EXPECT_EQ(Text("<p hidden>a<p>b"), "b");
  EXPECT_EQ(Text("<table><tr hidden><td>a<tr><td>b<td hidden>c<td>d</table>"), "b | d");
  EXPECT_EQ(Text("<ruby>茶<rp>(</rp><rt>chá</rt><rp>)</rp></ruby>"), "茶");
  EXPECT_EQ(Text("<input hidden>a<br hidden>b<h2 hidden>c</h2>d"), "ab\n\nd");
}

TEST(Html, ControlsOfThePageAreLeftOut) {
  EXPECT_EQ(Text("<div role=navigation>home</div><div role='search'>find</div>"
                 "<ul role=menu><li>dark</ul><div role=dialog>Cookies?</div><p>text"),
            "text");
  EXPECT_EQ(Text("<h2>Title<a href=#t aria-hidden=true>#</a></h2>"), "## Title");
  EXPECT_EQ(Text("<div aria-hidden=true>folded</div>"), "folded");
}

TEST(Html, APageIsWhatItsMainPartSays) {
  const std::string said(200, 'm');
  const std::string chrome =
      "<a href=#m>Skip to content</a><div><p>Press <kbd>S</kbd> to search</p></div>";
  EXPECT_EQ(Text("<body>" + chrome + "<header><h1>Mill</h1></header><aside>ads</aside><main>" +
                 said + "<h2>a</h2><header>b</header></main><div>related</div><footer>Call 5"),
            "# Mill\n\n" + said + "\n\n## a\n\nb\n\nCall 5");
  EXPECT_EQ(Text("<p>Press S<div role=main><p>" + said + "</div><p>Built with X"), said);
  EXPECT_EQ(Text("<p>before<main>" + said + "<p>unclosed"), said + "\n\nunclosed");
  // The smaller part is not what a page is about, whatever it is called.
  EXPECT_EQ(Text(said + "<main>few</main>"), said + "\n\nfew");
  EXPECT_EQ(Text("a<main></main>"), "a");
}

TEST(Html, UnclosedNavigationHidesNothing) {
  EXPECT_EQ(Text("<nav>menu<p>text"), "menu\n\ntext");
  EXPECT_EQ(Text("<nav>menu</nav>a<nav>b"), "a b");
}

TEST(Html, LineEndsBetweenChineseCharactersAreNoSpaces) {
  EXPECT_EQ(Text("<p>云岭\n茶厂，\n 成立 于\nTea</p>"), "云岭茶厂，成立 于 Tea");
  EXPECT_EQ(Text("云<b>\n岭</b>"), "云岭");
}

TEST(Html, StrayEndTagsAreIgnored) {
  EXPECT_EQ(Text("</td></table></ul>a</p></li></h1>b</div></tr>c"), "a\n\nb\nc");
}

TEST(Html, HostilePagesTakeLinearTime) {
  EXPECT_EQ(Text(std::string(10 << 20, '<')).size(), 10u << 20);
  constexpr std::size_t kBytes = 2 << 20;
  for (const std::string_view unit : {"<",          "<a ",      "<div>",      "<table><tr><td>",
                                      "</p>",       "<!--",     "<title>",    "<nav>",
                                      "<ul><li>",   "<script>", "<b hidden>", "<p hidden><div></p>",
                                      "&",          "&#",       "<a b='",     "</",
                                      "<svg></svg", "<h1>",     "\n",         "<div></td>"}) {
    std::string page;
    page.reserve(kBytes + unit.size());
    while (page.size() < kBytes) page += unit;
    const HtmlPage parsed = ParseHtml(page);
    EXPECT_LE(parsed.text.size(), 3 * page.size()) << unit;
  }
}

TEST(Html, ControlBytesDoNotReachTheText) {
  EXPECT_EQ(Text(std::string_view("a\0b<p>c", 7)), "a b\n\nc");
  EXPECT_TRUE(inference::IsValidUtf8(Text("&#xD800;\xE4\xBA\x91")));
}

}  // namespace
}  // namespace citeseek::indexer::parse
