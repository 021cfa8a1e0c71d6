// Charts of lines, bands, and points with intervals, as an SVG picture: one panel beside the other on equal
// axes, one legend for all.
#pragma once

#include <string>
#include <vector>

#include "runtime/plot/axis.h"

namespace sterna::plot {

enum class Shape {
  kLine,        // `low` and `high` are a band around it
  kMarkedLine,  // the same, with a mark at each point
  kMarks,       // points alone; `low` and `high` are the ends of a bar through each
  kReference,   // a dashed line in the colour of text, to compare others with
};

// Points that are NaN or infinite are left out, and so are those that are not positive on a logarithmic axis:
// a line has a gap there.
struct Series {
  std::string name;
  std::vector<double> x;
  std::vector<double> y;      // one for each x
  std::vector<double> low{};  // empty, or one for each x; NaN: no interval there
  std::vector<double> high{};
  Shape shape = Shape::kLine;
};

struct Panel {
  std::string title;
  std::vector<Series> series;  // those of equal name have equal colours and marks
};

// An axis as the chart wants it.
struct Scale {
  std::string label;
  bool is_log = false;  // linear after all if there is nothing positive to show
  bool begins_at_zero = false;
  bool has_ticks_at_points = false;  // of x, logarithmic
  std::string (*tick)(double) = tick_text;
};

struct Chart {
  std::string title;
  Scale x;
  Scale y;
  std::vector<Panel> panels;
  double panel_width = 380.0;  // pixels, of the data; three panels or fewer stand side by side
  bool is_file = false;        // with a background of its own; else it is part of a page
};

// There must be one panel with one series at least.
[[nodiscard]] std::string to_svg(const Chart& chart);

}  // namespace sterna::plot
