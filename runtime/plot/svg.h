// The pieces that charts are drawn with. Positions are pixels from the top left corner.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sterna::plot {

// Text for HTML, XML, and attributes in double quotes: & < > " are escaped, and characters that XML has no
// place for are left out.
[[nodiscard]] std::string escaped(std::string_view text);

// A position in tenths of a pixel. There is none for NaN and infinity.
[[nodiscard]] std::string px(double value);

//   anchor  start, middle or end
//   style   more attributes
[[nodiscard]] std::string text_at(double x, double y, std::string_view anchor, std::string_view style,
                                  std::string_view text);

[[nodiscard]] std::string line_from(double x1, double y1, double x2, double y2, std::string_view style);

// Circle, square, triangle or diamond, by the number of the series, in the colour of the group around it.
[[nodiscard]] std::string mark_at(double x, double y, std::size_t series);

// Begins the group of a series, in which currentColor is its colour; its name is what a pointer over it
// shows.
//
// Seven colours that readers who see few of them can tell apart (Okabe and Ito, 2008); marks and dashes tell
// the rest. The last is the colour of text, so that it shows on a dark page too. A page may give the classes
// c0 to c5 other colours.
[[nodiscard]] std::string begin_series(std::size_t series, std::string_view name);
inline constexpr std::string_view kEndSeries = "</g>\n";
inline constexpr std::size_t kColourCount = 7;

// How a series' line is dashed: not at all for the first seven.
[[nodiscard]] std::string dashes_of(std::size_t series);

// The element <svg>, with a name for those who do not see it.
struct Canvas {
  std::string title;
  double width;
  double height;
  bool is_file;  // has a background of its own; else it takes the page's, and the page's colour of text
};
[[nodiscard]] std::string begin_svg(const Canvas& canvas);

// Names in columns, each behind a sample that `draw_sample` draws in 28 pixels from (x, y) to the right.
struct Legend {
  std::vector<std::string> names;
  double left;
  double top;
  double width;  // that it may take

  [[nodiscard]] double height() const;
  [[nodiscard]] std::string draw(std::string (*draw_sample)(double x, double y, std::size_t number)) const;

 private:
  [[nodiscard]] double column_width() const;
  [[nodiscard]] std::size_t columns() const;
};

// Of text in the charts' size, roughly: an SVG picture is not asked how wide its text became.
[[nodiscard]] double text_width(std::string_view text);

}  // namespace sterna::plot
