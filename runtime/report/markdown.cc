#include <algorithm>

#include "runtime/core/errors.h"
#include "runtime/report/document.h"

namespace sterna::report {
namespace {

// Text in which nothing is taken for a mark of Markdown or a tag of HTML; on one line.
std::string escaped(const std::string& text) {
  constexpr std::string_view kMarks = "\\`*_[]<>|#";
  std::string out;
  for (const char c : text) {
    if (kMarks.find(c) != std::string_view::npos) out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

std::string line_of(const std::vector<std::string>& cells) {
  return cat("| ", joined(cells, " | "), " |\n");
}

std::string markdown_of(const Paragraph& paragraph) {
  return escaped(paragraph.text) + "\n\n";
}

std::string markdown_of(const Verdict& verdict) {
  return cat("- **", escaped(verdict.headline), "** ", escaped(verdict.text), "\n\n");
}

std::string markdown_of(const Table& table) {
  std::vector<std::string> titles;
  std::vector<std::string> rules;
  for (const Column& column : table.columns) {
    titles.push_back(escaped(column.title));
    rules.emplace_back(column.is_number ? "---:" : "---");
  }
  std::string text = cat(escaped(table.caption), ":\n\n", line_of(titles), line_of(rules));
  for (const std::vector<std::string>& row : table.rows) {
    std::vector<std::string> cells;
    for (const std::string& cell : row) cells.push_back(escaped(cell));
    text += line_of(cells);
  }
  return text + "\n";
}

std::string markdown_of(const Figure&) {
  return "";
}

std::string markdown_of(const std::vector<Block>& blocks) {
  std::string text;
  for (const Block& block : blocks) {
    text += std::visit([](const auto& kind) { return markdown_of(kind); }, block);
  }
  return text;
}

std::string markdown_of(const Section& section, std::size_t level) {
  std::string text =
      cat(std::string(level, '#'), " ", escaped(section.title), "\n\n", markdown_of(section.blocks));
  for (const Section& part : section.sections) {
    if (!part.is_folded) text += markdown_of(part, level + 1);
  }
  return text;
}

}  // namespace

std::string to_markdown(const Document& document) {
  std::string text = cat("# ", escaped(document.title), "\n\n", markdown_of(document.blocks));
  for (const Section& section : document.sections) text += markdown_of(section, 2);
  return text.erase(text.find_last_not_of('\n') + 2);
}

}  // namespace sterna::report
