#include "runtime/plot/bar_chart.h"

#include <algorithm>
#include <numeric>

#include "runtime/core/errors.h"
#include "runtime/plot/svg.h"

namespace sterna::plot {
namespace {

// Pixels.
constexpr double kBarsWidth = 460.0;
constexpr double kRow = 26.0;
constexpr double kThickness = 18.0;
constexpr double kTop = 48.0;
constexpr double kBottom = 58.0;
constexpr double kRight = 96.0;  // the sums
constexpr double kLeastLeft = 78.0;

double sum_of(const Bar& bar) {
  return std::accumulate(bar.parts.begin(), bar.parts.end(), 0.0);
}

double left_of(const BarChart& chart) {
  double left = kLeastLeft;
  for (const Bar& bar : chart.bars) left = std::max(left, text_width(bar.name) + 28);
  return left;
}

std::string rectangle(double x, double y, double width) {
  return cat("<rect x=\"", px(x), "\" y=\"", px(y), "\" width=\"", px(width), "\" height=\"", px(kThickness),
             "\" fill=\"currentColor\"/>\n");
}

std::string draw_axis(const BarChart& chart, const Axis& axis, double left, double bottom) {
  std::string svg;
  for (const double tick : axis.ticks) {
    const double x = left + kBarsWidth * axis.part(tick);
    svg += line_from(x, kTop, x, bottom, "stroke=\"currentColor\" stroke-opacity=\"0.14\"");
    svg += text_at(x, bottom + 17, "middle", "", chart.tick(tick));
  }
  return svg + text_at(left + kBarsWidth / 2, bottom + 38, "middle", "", chart.label);
}

std::string draw_bar(const BarChart& chart, const Bar& bar, const Axis& axis, double left, double top) {
  STERNA_CHECK(bar.parts.size() == chart.part_names.size());
  const double middle = top + kThickness / 2;
  std::string svg = text_at(left - 8, middle + 4, "end", "", bar.name);
  double x = left;
  for (std::size_t part = 0; part < bar.parts.size(); ++part) {
    const double width = kBarsWidth * axis.part(bar.parts[part]);
    if (width <= 0.0) continue;
    const std::string name = cat(chart.part_names[part], ": ", chart.tick(bar.parts[part]));
    svg += begin_series(part, name) + rectangle(x, top, width) + std::string(kEndSeries);
    x += width;
  }
  return svg + text_at(x + 8, middle + 4, "start", "", chart.tick(sum_of(bar)));
}

std::string draw_sample(double x, double y, std::size_t part) {
  return begin_series(part, "") + rectangle(x + 8, y - kThickness / 2, kThickness) + std::string(kEndSeries);
}

}  // namespace

std::string to_svg(const BarChart& chart) {
  STERNA_CHECK(chart.bars.size() > 0u);
  double highest = 0.0;
  for (const Bar& bar : chart.bars) highest = std::max(highest, sum_of(bar));
  const Axis axis = linear_axis(0.0, highest);
  const double left = left_of(chart);
  const double width = left + kBarsWidth + kRight;
  const double bottom = kTop + kRow * static_cast<double>(chart.bars.size());
  Legend legend{.names = {}, .left = left, .top = bottom + kBottom + 12, .width = width - left};
  if (chart.part_names.size() > 1) legend.names = chart.part_names;

  std::string svg = begin_svg(
      {.title = chart.title, .width = width, .height = legend.top + legend.height(), .is_file = false});
  svg += draw_axis(chart, axis, left, bottom);
  for (std::size_t i = 0; i < chart.bars.size(); ++i) {
    svg += draw_bar(chart, chart.bars[i], axis, left, kTop + 4 + kRow * static_cast<double>(i));
  }
  return svg + legend.draw(draw_sample) + "</svg>\n";
}

}  // namespace sterna::plot
