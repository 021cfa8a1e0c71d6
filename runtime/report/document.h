// A page of text, tables and pictures, written as HTML or as Markdown.
#pragma once

#include <string>
#include <variant>
#include <vector>

namespace sterna::report {

struct Paragraph {
  std::string text;
};

// What became of a claim; all of them are shown alike.
enum class Outcome { kHolds, kFails, kUndecided, kUnfinished, kOpen };

struct Verdict {
  Outcome outcome;
  std::string headline;  // begins with what became of the claim, for colours are not seen by all
  std::string text;
};

struct Column {
  std::string title;
  bool is_number = true;
};

// The first column names the rows.
struct Table {
  std::string caption;
  std::vector<Column> columns;
  std::vector<std::vector<std::string>> rows;  // a cell for each column
};

// Not in Markdown.
struct Figure {
  std::string svg;
  std::string caption;
};

using Block = std::variant<Paragraph, Verdict, Table, Figure>;

struct Section {
  std::string title;
  std::vector<Block> blocks;
  std::vector<Section> sections{};
  bool is_folded = false;  // opened by who wants to see it
};

struct Document {
  std::string title;
  std::vector<Block> blocks;
  std::vector<Section> sections;
};

// One file that needs no other: no script, no font, no picture from elsewhere. It says at its end how long it
// is.
[[nodiscard]] std::string to_html(const Document& document);

// Everything but pictures and what is folded, as GitHub shows it.
[[nodiscard]] std::string to_markdown(const Document& document);

}  // namespace sterna::report
