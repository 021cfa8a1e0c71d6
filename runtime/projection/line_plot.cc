#include "runtime/projection/line_plot.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "runtime/core/errors.h"
#include "runtime/projection/quantities.h"

namespace sterna::projection {
namespace {

// Pixels.
constexpr double kPanelWidth = 380.0;
constexpr double kPanelHeight = 260.0;
constexpr double kLeft = 78.0;  // of a panel: tick labels
constexpr double kTop = 74.0;
constexpr double kBottom = 56.0;
constexpr double kLegendRow = 22.0;
constexpr double kLegendColumn = 200.0;
constexpr double kRight = 26.0;
constexpr std::size_t kMostColumns = 3;

// Told apart by readers who see few colours (Okabe and Ito, 2008), and by their marks where there is no
// colour.
constexpr std::array<std::string_view, 7> kColours = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                                      "#E69F00", "#56B4E9", "#000000"};

std::string px(double value) {
  return plain_number_text(std::round(10.0 * value) / 10.0, 6);
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else {
      out += c;
    }
  }
  return out;
}

std::string text_at(double x, double y, std::string_view anchor, std::string_view style,
                    std::string_view text) {
  return cat("<text x=\"", px(x), "\" y=\"", px(y), "\" text-anchor=\"", anchor, "\" ", style, ">",
             escaped(text), "</text>\n");
}

std::string line_from(double x1, double y1, double x2, double y2, std::string_view style) {
  return cat("<line x1=\"", px(x1), "\" y1=\"", px(y1), "\" x2=\"", px(x2), "\" y2=\"", px(y2), "\" ", style,
             "/>\n");
}

// Circle, square, triangle, diamond, by the number of the line.
std::string mark_at(double x, double y, std::size_t line) {
  const std::string fill = cat("fill=\"", kColours[line % kColours.size()], "\"");
  switch (line % 4) {
    case 0:
      return cat("<circle cx=\"", px(x), "\" cy=\"", px(y), "\" r=\"3.4\" ", fill, "/>\n");
    case 1:
      return cat("<rect x=\"", px(x - 3), "\" y=\"", px(y - 3), "\" width=\"6\" height=\"6\" ", fill, "/>\n");
    case 2:
      return cat("<path d=\"M", px(x), " ", px(y - 4), " l4 7 h-8 z\" ", fill, "/>\n");
    default:
      return cat("<path d=\"M", px(x), " ", px(y - 4.4), " l4.4 4.4 l-4.4 4.4 l-4.4 -4.4 z\" ", fill, "/>\n");
  }
}

// From data to pixels, and where the ticks are.
struct Axis {
  double low = 0.0;
  double high = 1.0;
  bool is_log = false;
  std::vector<double> ticks;

  [[nodiscard]] double part(double value) const {
    if (is_log) return std::log(value / low) / std::log(high / low);
    return (value - low) / (high - low);
  }
};

// 1, 2 or 5 times a power of ten, so that about `wanted` of them make up `range`.
double round_step(double range, double wanted) {
  const double rough = range / wanted;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough * 0.999) return factor * power;
  }
  return 10.0 * power;
}

Axis linear_axis(double highest) {
  const double step = round_step(highest > 0.0 ? highest : 1.0, 5.0);
  Axis axis{.low = 0.0, .high = step * std::ceil(highest / step * 1.0001), .is_log = false, .ticks = {}};
  if (axis.high <= 0.0) axis.high = 1.0;
  for (int i = 0; step * i <= axis.high * 1.0001; ++i) axis.ticks.push_back(step * i);
  return axis;
}

// Ticks at 1, 2 and 5 times powers of ten; at the powers alone where there are more than two; and evenly over
// an axis so short that it holds one of these at most.
Axis logarithmic_axis(double lowest, double highest) {
  Axis axis{.low = lowest / 1.15, .high = highest * 1.15, .is_log = true, .ticks = {}};
  const bool is_long = highest / lowest > 300.0;
  for (double power = std::pow(10.0, std::floor(std::log10(axis.low))); power <= axis.high; power *= 10.0) {
    for (const double factor : {1.0, 2.0, 5.0}) {
      const double tick = factor * power;
      if (is_long && factor != 1.0) continue;
      if (tick >= axis.low && tick <= axis.high) axis.ticks.push_back(tick);
    }
  }
  if (axis.ticks.size() > 1) return axis;
  axis.ticks.clear();
  const double step = round_step(axis.high - axis.low, 4.0);
  for (double k = std::ceil(axis.low / step); k * step <= axis.high; ++k) axis.ticks.push_back(k * step);
  return axis;
}

// A tick at each x, or at each second or third where they would touch.
Axis x_axis(const std::vector<double>& x) {
  const double margin = x.size() > 1 ? 1.0 : 2.0;
  Axis axis{.low = x.front() / margin, .high = x.back() * margin, .is_log = true, .ticks = {}};
  double last = -1.0;
  for (const double value : x) {
    const double at = axis.part(value);
    if (last >= 0.0 && at - last < 0.085) continue;
    axis.ticks.push_back(value);
    last = at;
  }
  return axis;
}

Axis y_axis(const LinePlot& plot) {
  double lowest = plot.panels.front().lines.front().y.front();
  double highest = lowest;
  for (const PlotPanel& panel : plot.panels) {
    for (const PlotLine& line : panel.lines) {
      lowest = std::min(lowest, std::ranges::min(line.y));
      highest = std::max(highest, std::ranges::max(line.y));
    }
  }
  return plot.is_y_log && lowest > 0.0 ? logarithmic_axis(lowest, highest) : linear_axis(highest);
}

// Names of lines, each once, in the order in which they come: colours and marks go by it.
std::vector<std::string> names_of(const LinePlot& plot) {
  std::vector<std::string> names;
  for (const PlotPanel& panel : plot.panels) {
    for (const PlotLine& line : panel.lines) {
      if (std::ranges::find(names, line.name) == names.end()) names.push_back(line.name);
    }
  }
  return names;
}

// A panel's frame, with its top left corner of data at (left, top).
struct Frame {
  double left;
  double top;
  const Axis& x;
  const Axis& y;

  [[nodiscard]] double at_x(double value) const { return left + kPanelWidth * x.part(value); }
  [[nodiscard]] double at_y(double value) const { return top + kPanelHeight * (1.0 - y.part(value)); }
};

std::string draw_axes(const LinePlot& plot, const PlotPanel& panel, const Frame& frame) {
  constexpr std::string_view kGrid = "stroke=\"#e4e4e4\"";
  constexpr std::string_view kAxis = "stroke=\"#444\"";
  const double bottom = frame.top + kPanelHeight;
  std::string svg =
      text_at(frame.left + kPanelWidth / 2, frame.top - 12, "middle", "font-weight=\"600\"", panel.title);
  for (const double tick : frame.y.ticks) {
    svg += line_from(frame.left, frame.at_y(tick), frame.left + kPanelWidth, frame.at_y(tick), kGrid);
    svg += text_at(frame.left - 8, frame.at_y(tick) + 4, "end", "", plain_number_text(tick, 3));
  }
  for (const double tick : frame.x.ticks) {
    svg += line_from(frame.at_x(tick), bottom, frame.at_x(tick), bottom + 5, kAxis);
    svg += text_at(frame.at_x(tick), bottom + 19, "middle", "", plain_number_text(tick, 3));
  }
  svg += line_from(frame.left, bottom, frame.left + kPanelWidth, bottom, kAxis);
  svg += line_from(frame.left, frame.top, frame.left, bottom, kAxis);
  svg += text_at(frame.left + kPanelWidth / 2, bottom + 40, "middle", "", plot.x_label);
  const double middle = frame.top + kPanelHeight / 2;
  const double label = frame.left - 58;
  const std::string turned = cat("transform=\"rotate(-90 ", px(label), " ", px(middle), ")\"");
  return svg + text_at(label, middle, "middle", turned, plot.y_label);
}

std::string draw_line(const std::vector<double>& x, const PlotLine& line, std::size_t number,
                      const Frame& frame) {
  std::string points;
  std::string marks;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double at_x = frame.at_x(x[i]);
    const double at_y = frame.at_y(line.y[i]);
    points += cat(i == 0 ? "" : " ", px(at_x), ",", px(at_y));
    marks += mark_at(at_x, at_y, number);
  }
  return cat("<polyline points=\"", points, "\" fill=\"none\" stroke=\"", kColours[number % kColours.size()],
             "\" stroke-width=\"2\" stroke-linejoin=\"round\"/>\n", marks);
}

std::size_t legend_columns(double width) {
  return static_cast<std::size_t>(std::max(1.0, std::floor((width - kLeft) / kLegendColumn)));
}

std::string draw_legend(const std::vector<std::string>& names, double width, double top) {
  const std::size_t columns = legend_columns(width);
  std::string svg;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const double x = kLeft + kLegendColumn * static_cast<double>(i % columns);
    const double y = top + kLegendRow * static_cast<double>(i / columns);
    const std::string stroke = cat("stroke=\"", kColours[i % kColours.size()], "\" stroke-width=\"2\"");
    svg += line_from(x, y, x + 28, y, stroke) + mark_at(x + 14, y, i) +
           text_at(x + 36, y + 4, "start", "", names[i]);
  }
  return svg;
}

}  // namespace

std::string to_svg(const LinePlot& plot) {
  STERNA_CHECK(plot.panels.size() > 0u);
  STERNA_CHECK(plot.x.size() > 0u);
  const std::size_t columns = std::min(plot.panels.size(), kMostColumns);
  const std::size_t rows = (plot.panels.size() + columns - 1) / columns;
  const double width = static_cast<double>(columns) * (kLeft + kPanelWidth) + kRight;
  const double legend_top = static_cast<double>(rows) * (kTop + kPanelHeight + kBottom) + 12;
  const std::vector<std::string> names = names_of(plot);
  const std::size_t legend_rows = (names.size() - 1) / legend_columns(width) + 1;
  const double height = legend_top + kLegendRow * static_cast<double>(legend_rows);

  std::string svg = cat("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"", px(width), "\" height=\"",
                        px(height), "\" viewBox=\"0 0 ", px(width), " ", px(height),
                        "\" font-family=\"Helvetica, Arial, sans-serif\" font-size=\"12\" fill=\"#222\">\n",
                        "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n");
  svg += text_at(kLeft, 28, "start", "font-size=\"16\" font-weight=\"600\"", plot.title);
  const Axis x = x_axis(plot.x);
  const Axis y = y_axis(plot);
  for (std::size_t i = 0; i < plot.panels.size(); ++i) {
    const Frame frame{.left = static_cast<double>(i % columns) * (kLeft + kPanelWidth) + kLeft,
                      .top = static_cast<double>(i / columns) * (kTop + kPanelHeight + kBottom) + kTop,
                      .x = x,
                      .y = y};
    svg += draw_axes(plot, plot.panels[i], frame);
    for (const PlotLine& line : plot.panels[i].lines) {
      STERNA_CHECK(line.y.size() == plot.x.size());
      const auto number = std::ranges::find(names, line.name) - names.begin();
      svg += draw_line(plot.x, line, static_cast<std::size_t>(number), frame);
    }
  }
  return svg + draw_legend(names, width, legend_top) + "</svg>\n";
}

}  // namespace sterna::projection
