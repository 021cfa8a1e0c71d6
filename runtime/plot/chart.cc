#include "runtime/plot/chart.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>

#include "runtime/core/errors.h"
#include "runtime/plot/svg.h"

namespace sterna::plot {
namespace {

// Pixels.
constexpr double kPanelHeight = 260.0;
constexpr double kLeft = 78.0;  // of a panel: tick labels
constexpr double kTop = 74.0;
constexpr double kBottom = 56.0;
constexpr double kRight = 26.0;
constexpr double kWidestRow = 1400.0;
constexpr std::size_t kMostColumns = 3;
constexpr std::string_view kReferenceStyle = "stroke=\"currentColor\" stroke-opacity=\"0.6\" fill=\"none\"";

bool can_show(double value, bool is_log) {
  return std::isfinite(value) && (!is_log || value > 0.0);
}

// The ends of what a chart shows along one axis.
struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void take(double value, bool is_log) {
    if (!can_show(value, is_log)) return;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  [[nodiscard]] bool is_empty() const { return low > high; }
};

void for_each_series(const Chart& chart, const std::function<void(const Series&)>& take) {
  for (const Panel& panel : chart.panels) {
    for (const Series& series : panel.series) take(series);
  }
}

Range x_range(const Chart& chart, bool is_log) {
  Range range;
  for_each_series(chart, [&](const Series& series) {
    for (const double x : series.x) range.take(x, is_log);
  });
  return range;
}

Range y_range(const Chart& chart, bool is_log) {
  Range range;
  for_each_series(chart, [&](const Series& series) {
    for (const auto* values : {&series.y, &series.low, &series.high}) {
      for (const double y : *values) range.take(y, is_log);
    }
  });
  return range;
}

// Nothing where a logarithmic axis is wanted and has nothing to show.
std::optional<Axis> logarithmic(const Scale& scale, const Range& positive) {
  if (!scale.is_log || positive.is_empty()) return std::nullopt;
  return logarithmic_axis(positive.low, positive.high);
}

Axis x_axis(const Chart& chart) {
  if (chart.x.has_ticks_at_points) {
    std::vector<double> values;
    for_each_series(chart, [&](const Series& s) { values.insert(values.end(), s.x.begin(), s.x.end()); });
    std::ranges::sort(values);
    values.erase(std::ranges::unique(values).begin(), values.end());
    return axis_of_values(values);
  }
  if (const auto axis = logarithmic(chart.x, x_range(chart, /*is_log=*/true))) return *axis;
  const Range range = x_range(chart, /*is_log=*/false);
  return range.is_empty() ? linear_axis(0.0, 1.0) : linear_axis(range.low, range.high);
}

Axis y_axis(const Chart& chart) {
  if (const auto axis = logarithmic(chart.y, y_range(chart, /*is_log=*/true))) return *axis;
  Range range = y_range(chart, /*is_log=*/false);
  if (range.is_empty() || chart.y.begins_at_zero) range.take(0.0, false);
  return linear_axis_to_ticks(range.low, range.high);
}

// Names of series, each once, in the order in which they come: colours and marks go by it. References come
// after all others.
struct Names {
  std::vector<std::string> series;
  std::vector<std::string> references;

  explicit Names(const Chart& chart) {
    for_each_series(chart, [&](const Series& s) {
      std::vector<std::string>& names = s.shape == Shape::kReference ? references : series;
      if (std::ranges::find(names, s.name) == names.end()) names.push_back(s.name);
    });
  }
  [[nodiscard]] std::size_t number_of(const std::string& name) const {
    return static_cast<std::size_t>(std::ranges::find(series, name) - series.begin());
  }
};

// A panel's frame, with its top left corner of data at (left, top).
struct Frame {
  double left;
  double top;
  double width;
  const Axis& x;
  const Axis& y;

  [[nodiscard]] double at_x(double value) const { return left + width * x.part(value); }
  [[nodiscard]] double at_y(double value) const { return top + kPanelHeight * (1.0 - y.part(value)); }
  [[nodiscard]] bool shows(double at, double value) const {
    return can_show(at, x.is_log) && can_show(value, y.is_log);
  }
  [[nodiscard]] std::string point(double at, double value) const {
    return cat(px(at_x(at)), ",", px(at_y(value)));
  }
};

std::string draw_axes(const Chart& chart, const Panel& panel, const Frame& frame) {
  constexpr std::string_view kGrid = "stroke=\"currentColor\" stroke-opacity=\"0.14\"";
  constexpr std::string_view kAxis = "stroke=\"currentColor\" stroke-opacity=\"0.8\"";
  const double bottom = frame.top + kPanelHeight;
  const double right = frame.left + frame.width;
  const double centre = frame.left + frame.width / 2;
  std::string svg = text_at(centre, frame.top - 12, "middle", "font-weight=\"600\"", panel.title);
  for (const double tick : frame.y.ticks) {
    svg += line_from(frame.left, frame.at_y(tick), right, frame.at_y(tick), kGrid);
    svg += text_at(frame.left - 8, frame.at_y(tick) + 4, "end", "", chart.y.tick(tick));
  }
  for (const double tick : frame.x.ticks) {
    svg += line_from(frame.at_x(tick), bottom, frame.at_x(tick), bottom + 5, kAxis);
    svg += text_at(frame.at_x(tick), bottom + 19, "middle", "", chart.x.tick(tick));
  }
  svg += line_from(frame.left, bottom, right, bottom, kAxis);
  svg += line_from(frame.left, frame.top, frame.left, bottom, kAxis);
  svg += text_at(centre, bottom + 40, "middle", "", chart.x.label);
  const double middle = frame.top + kPanelHeight / 2;
  const double label = frame.left - 58;
  const std::string turned = cat("transform=\"rotate(-90 ", px(label), " ", px(middle), ")\"");
  return svg + text_at(label, middle, "middle", turned, chart.y.label);
}

// A polyline for each stretch of points that can be shown.
std::string draw_line(const Series& series, const Frame& frame, std::string_view style) {
  std::string svg;
  std::string points;
  const auto end_stretch = [&] {
    if (!points.empty()) svg += cat("<polyline points=\"", points, "\" ", style, "/>\n");
    points.clear();
  };
  for (std::size_t i = 0; i < series.x.size(); ++i) {
    if (frame.shows(series.x[i], series.y[i])) {
      points += cat(points.empty() ? "" : " ", frame.point(series.x[i], series.y[i]));
    } else {
      end_stretch();
    }
  }
  end_stretch();
  return svg;
}

bool has_interval(const Series& series, std::size_t i, const Frame& frame) {
  return frame.shows(series.x[i], series.low[i]) && frame.shows(series.x[i], series.high[i]);
}

std::string draw_band(const Series& series, const Frame& frame) {
  std::string there;
  std::string back;
  for (std::size_t i = 0; i < series.low.size(); ++i) {
    if (!has_interval(series, i, frame)) continue;
    there += cat(frame.point(series.x[i], series.high[i]), " ");
    back = cat(frame.point(series.x[i], series.low[i]), back.empty() ? "" : " ", back);
  }
  if (there.empty()) return "";
  return cat("<polygon points=\"", there, back, "\" fill=\"currentColor\" fill-opacity=\"0.18\"/>\n");
}

std::string draw_interval_bars(const Series& series, const Frame& frame) {
  constexpr std::string_view kStyle = "stroke=\"currentColor\" stroke-width=\"1.5\"";
  constexpr double kCap = 4.0;
  std::string svg;
  for (std::size_t i = 0; i < series.low.size(); ++i) {
    if (!has_interval(series, i, frame)) continue;
    const double x = frame.at_x(series.x[i]);
    const double low = frame.at_y(series.low[i]);
    const double high = frame.at_y(series.high[i]);
    svg += line_from(x, low, x, high, kStyle) + line_from(x - kCap, low, x + kCap, low, kStyle) +
           line_from(x - kCap, high, x + kCap, high, kStyle);
  }
  return svg;
}

std::string draw_marks(const Series& series, std::size_t number, const Frame& frame) {
  std::string svg;
  for (std::size_t i = 0; i < series.x.size(); ++i) {
    if (!frame.shows(series.x[i], series.y[i])) continue;
    svg += mark_at(frame.at_x(series.x[i]), frame.at_y(series.y[i]), number);
  }
  return svg;
}

std::string draw_series(const Series& series, const Names& names, const Frame& frame) {
  STERNA_CHECK(series.y.size() == series.x.size());
  STERNA_CHECK(series.low.size() == series.high.size());
  STERNA_CHECK(series.low.size() <= series.x.size());
  if (series.shape == Shape::kReference) {
    return cat("<g><title>", escaped(series.name), "</title>\n",
               draw_line(series, frame, cat(kReferenceStyle, " stroke-dasharray=\"4 4\"")), kEndSeries);
  }
  const std::size_t number = names.number_of(series.name);
  std::string svg = begin_series(number, series.name);
  if (series.shape == Shape::kMarks) {
    svg += draw_interval_bars(series, frame);
  } else {
    svg += draw_band(series, frame);
    svg += draw_line(series, frame,
                     cat("fill=\"none\" stroke=\"currentColor\" stroke-width=\"2\" stroke-linejoin=\"round\"",
                         dashes_of(number)));
  }
  if (series.shape != Shape::kLine) svg += draw_marks(series, number, frame);
  return svg + std::string(kEndSeries);
}

std::string draw_sample(double x, double y, std::size_t number, bool has_mark) {
  const std::string line =
      line_from(x, y, x + 28, y, cat("stroke=\"currentColor\" stroke-width=\"2\"", dashes_of(number)));
  return cat(begin_series(number, ""), line, has_mark ? mark_at(x + 14, y, number) : "", kEndSeries);
}

std::string draw_marked_sample(double x, double y, std::size_t number) {
  return draw_sample(x, y, number, /*has_mark=*/true);
}

std::string draw_line_sample(double x, double y, std::size_t number) {
  return draw_sample(x, y, number, /*has_mark=*/false);
}

std::string draw_reference_sample(double x, double y, std::size_t) {
  return line_from(x, y, x + 28, y, cat(kReferenceStyle, " stroke-dasharray=\"4 4\""));
}

bool has_marks(const Chart& chart) {
  bool result = false;
  for_each_series(chart, [&](const Series& s) {
    result = result || s.shape == Shape::kMarks || s.shape == Shape::kMarkedLine;
  });
  return result;
}

}  // namespace

std::string to_svg(const Chart& chart) {
  STERNA_CHECK(chart.panels.size() > 0u);
  const double column = kLeft + chart.panel_width;
  const auto most = std::min(kMostColumns, static_cast<std::size_t>(std::max(1.0, kWidestRow / column)));
  const std::size_t columns = std::min(chart.panels.size(), most);
  const std::size_t rows = (chart.panels.size() + columns - 1) / columns;
  const double width = static_cast<double>(columns) * column + kRight;
  const double row = kTop + kPanelHeight + kBottom;
  const Names names(chart);
  Legend legend{.names = names.series,
                .left = kLeft,
                .top = static_cast<double>(rows) * row + 12,
                .width = width - kLeft};
  Legend references = legend;
  references.names = names.references;
  references.top += legend.height();

  std::string svg = begin_svg({.title = chart.title,
                               .width = width,
                               .height = references.top + references.height(),
                               .is_file = chart.is_file});
  const Axis x = x_axis(chart);
  const Axis y = y_axis(chart);
  for (std::size_t i = 0; i < chart.panels.size(); ++i) {
    const Frame frame{.left = static_cast<double>(i % columns) * column + kLeft,
                      .top = static_cast<double>(i / columns) * row + kTop,
                      .width = chart.panel_width,
                      .x = x,
                      .y = y};
    svg += draw_axes(chart, chart.panels[i], frame);
    for (const Series& series : chart.panels[i].series) svg += draw_series(series, names, frame);
  }
  return svg + legend.draw(has_marks(chart) ? draw_marked_sample : draw_line_sample) +
         references.draw(draw_reference_sample) + "</svg>\n";
}

}  // namespace sterna::plot
