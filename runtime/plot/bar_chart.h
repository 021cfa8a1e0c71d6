// Horizontal bars, each made up of parts that add up, as an SVG picture.
#pragma once

#include <string>
#include <vector>

#include "runtime/plot/axis.h"

namespace sterna::plot {

struct Bar {
  std::string name;
  std::vector<double> parts;  // 0 or more, one for each name of a part
};

struct BarChart {
  std::string title;
  std::string label;  // of the axis, with its unit
  std::string (*tick)(double) = tick_text;
  std::vector<std::string> part_names;  // one: no legend
  std::vector<Bar> bars;                // from top to bottom
};

// There must be one bar and one part at least.
[[nodiscard]] std::string to_svg(const BarChart& chart);

}  // namespace sterna::plot
