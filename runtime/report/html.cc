#include "runtime/core/errors.h"
#include "runtime/core/number_text.h"
#include "runtime/core/version.h"
#include "runtime/plot/svg.h"
#include "runtime/report/document.h"
#include "runtime/report/page_style.h"

namespace sterna::report {
namespace {

using plot::escaped;

std::string element(std::string_view tag, std::string_view attributes, std::string_view text) {
  return cat("<", tag, attributes, ">", escaped(text), "</", tag, ">");
}

std::string html_of(const Paragraph& paragraph) {
  return element("p", "", paragraph.text) + "\n";
}

std::string_view class_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::kHolds:
      return "holds";
    case Outcome::kFails:
      return "fails";
    case Outcome::kUndecided:
      return "undecided";
    case Outcome::kUnfinished:
      return "unfinished";
    case Outcome::kOpen:
      return "open";
  }
  return "";
}

std::string html_of(const Verdict& verdict) {
  return cat("<div class=\"verdict ", class_of(verdict.outcome), "\">",
             element("strong", "", verdict.headline), element("p", "", verdict.text), "</div>\n");
}

std::string html_of(const Table& table) {
  const auto number_class = [&](std::size_t column) {
    return table.columns[column].is_number ? " class=\"number\"" : "";
  };
  std::string html =
      cat("<div class=\"wide\"><table>\n", element("caption", "", table.caption), "\n<thead><tr>");
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    html += element("th", cat(" scope=\"col\"", number_class(i)), table.columns[i].title);
  }
  html += "</tr></thead>\n<tbody>\n";
  for (const std::vector<std::string>& row : table.rows) {
    STERNA_CHECK(row.size() == table.columns.size());
    html += cat("<tr>", element("th", " scope=\"row\"", row.front()));
    for (std::size_t i = 1; i < row.size(); ++i) html += element("td", number_class(i), row[i]);
    html += "</tr>\n";
  }
  return html + "</tbody>\n</table></div>\n";
}

std::string html_of(const Figure& figure) {
  return cat("<figure>\n", figure.svg, element("figcaption", "", figure.caption), "\n</figure>\n");
}

std::string html_of(const std::vector<Block>& blocks) {
  std::string html;
  for (const Block& block : blocks) {
    html += std::visit([](const auto& kind) { return html_of(kind); }, block);
  }
  return html;
}

std::string anchor(std::size_t number) {
  return cat("part-", number);
}

//   level       of the heading: 2 for the parts of the page
//   attributes  of the heading
std::string html_of(const Section& section, int level, const std::string& attributes) {
  std::string inner = html_of(section.blocks);
  for (const Section& part : section.sections) inner += html_of(part, level + 1, "");
  if (section.is_folded) {
    return cat("<details>\n", element("summary", "", section.title), "\n", inner, "</details>\n");
  }
  return cat("<section>\n", element(cat("h", level), attributes, section.title), "\n", inner, "</section>\n");
}

std::string contents(const std::vector<Section>& sections) {
  if (sections.size() < 2) return "";
  std::string html = "<nav aria-label=\"Contents\"><ul>\n";
  for (std::size_t i = 0; i < sections.size(); ++i) {
    html += cat("<li>", element("a", cat(" href=\"#", anchor(i), "\""), sections[i].title), "</li>\n");
  }
  return html + "</ul></nav>\n";
}

}  // namespace

std::string to_html(const Document& document) {
  std::string html = cat("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
                         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
                         element("title", "", document.title), "\n<style>", kPageStyle,
                         "</style>\n</head>\n<body>\n<main>\n", element("h1", "", document.title), "\n",
                         html_of(document.blocks), contents(document.sections));
  for (std::size_t i = 0; i < document.sections.size(); ++i) {
    html += html_of(document.sections[i], 2, cat(" id=\"", anchor(i), "\""));
  }
  html += cat("</main>\n<footer><p>Written by sterna ", kVersion, ", ");
  constexpr double kRest = 60.0;  // bytes to come, about
  return cat(html, bytes_text(static_cast<double>(html.size()) + kRest),
             ".</p></footer>\n</body>\n</html>\n");
}

}  // namespace sterna::report
