#include "runtime/report/document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sterna::report {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

Document document() {
  return {
      .title = "a <b> & c",
      .blocks = {Paragraph{"x < y | z_0"}},
      .sections = {{.title = "first",
                    .blocks = {Table{.caption = "sizes & sums",
                                     .columns = {{"name", false}, {"bytes"}},
                                     .rows = {{"<none>", "1,000"}}}},
                    .sections = {{.title = "inner", .blocks = {Paragraph{"deep"}}, .is_folded = true}}},
                   {.title = "second", .blocks = {Figure{.svg = "<svg></svg>", .caption = "a picture"}}}}};
}

TEST(Html, EscapesAllText) {
  const std::string html = to_html(document());
  EXPECT_THAT(html, AllOf(HasSubstr("<title>a &lt;b&gt; &amp; c</title>"), HasSubstr("<p>x &lt; y | z_0</p>"),
                          HasSubstr("<caption>sizes &amp; sums</caption>"), HasSubstr("&lt;none&gt;")));
}

TEST(Html, NamesRowsAndColumnsOfTables) {
  EXPECT_THAT(to_html(document()),
              AllOf(HasSubstr("<th scope=\"col\">name</th><th scope=\"col\" class=\"number\">bytes</th>"),
                    HasSubstr("<th scope=\"row\">&lt;none&gt;</th><td class=\"number\">1,000</td>")));
}

TEST(Html, FoldsSectionsAndLinksToParts) {
  EXPECT_THAT(to_html(document()),
              AllOf(HasSubstr("<details>\n<summary>inner</summary>\n<p>deep</p>\n</details>"),
                    HasSubstr("<a href=\"#part-1\">second</a>"), HasSubstr("<h2 id=\"part-1\">second</h2>"),
                    HasSubstr("<svg></svg><figcaption>a picture</figcaption>")));
}

TEST(Html, MarksEachOutcome) {
  Document page{.title = "t", .blocks = {}, .sections = {}};
  for (const Outcome outcome :
       {Outcome::kHolds, Outcome::kFails, Outcome::kUndecided, Outcome::kUnfinished, Outcome::kOpen}) {
    page.blocks.push_back(Verdict{.outcome = outcome, .headline = "h", .text = "t"});
  }
  EXPECT_THAT(to_html(page), AllOf(HasSubstr("\"verdict holds\""), HasSubstr("\"verdict fails\""),
                                   HasSubstr("\"verdict undecided\""), HasSubstr("\"verdict unfinished\""),
                                   HasSubstr("\"verdict open\"")));
}

TEST(Markdown, HasTablesAndEscapesItsMarks) {
  EXPECT_EQ(to_markdown(document()), R"(# a \<b\> & c

x \< y \| z\_0

## first

sizes & sums:

| name | bytes |
| --- | ---: |
| \<none\> | 1,000 |

## second
)");
}

TEST(Markdown, HasVerdictsInBold) {
  const Document page{
      .title = "t",
      .blocks = {Verdict{.outcome = Outcome::kFails, .headline = "Did not hold.", .text = "Why."}},
      .sections = {}};
  EXPECT_THAT(to_markdown(page), HasSubstr("- **Did not hold.** Why.\n"));
  EXPECT_THAT(to_markdown(page), Not(HasSubstr("<div")));
}

}  // namespace
}  // namespace sterna::report
