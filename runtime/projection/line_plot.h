// Line charts over a logarithmic x axis, as an SVG picture: one panel beside the other, one legend for all.
#pragma once

#include <string>
#include <vector>

namespace sterna::projection {

struct PlotLine {
  std::string name;
  std::vector<double> y;  // one for each x; positive where `is_y_log`
};

struct PlotPanel {
  std::string title;
  std::vector<PlotLine> lines;  // those of equal name have equal colours
};

struct LinePlot {
  std::string title;
  std::string x_label;
  std::string y_label;
  bool is_y_log = false;  // else the axis begins at 0
  std::vector<double> x;  // positive, ascending
  std::vector<PlotPanel> panels;
};

// There must be one panel with one line, and one x, at least.
[[nodiscard]] std::string to_svg(const LinePlot& plot);

}  // namespace sterna::projection
