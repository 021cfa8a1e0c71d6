#include "runtime/plot/chart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/plot/count_of.h"

namespace sterna::plot {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Series marked(std::string name, std::vector<double> y) {
  return {.name = std::move(name), .x = {2, 8, 32}, .y = std::move(y), .shape = Shape::kMarkedLine};
}

Chart chart_of_ranks() {
  return {
      .title = "A & B < C",
      .x = {.label = "ranks", .has_ticks_at_points = true},
      .y = {.label = "step time (ms)", .begins_at_zero = true},
      .panels = {{.title = "1 Gbit/s", .series = {marked("none", {10, 20, 50}), marked("topk", {1, 2, 4})}},
                 {.title = "10 Gbit/s", .series = {marked("none", {5, 6, 7})}}},
      .is_file = true};
}

// One series on linear axes; with y from 0 to 10 and x from 0 to 10, a unit is 38 by 26 pixels from (78,
// 334).
Chart chart_of(Series series) {
  return {.title = "t",
          .x = {.label = "x"},
          .y = {.label = "y", .begins_at_zero = true},
          .panels = {{.title = "", .series = {std::move(series)}}}};
}

TEST(Chart, DrawsALineAPanelAndAMarkAPoint) {
  const std::string svg = to_svg(chart_of_ranks());
  EXPECT_EQ(count_of(svg, "<polyline "), 3u);
  EXPECT_EQ(count_of(svg, "<circle "), 3 + 3 + 1u);              // `none`, and its mark in the legend
  EXPECT_EQ(count_of(svg, "width=\"6\" height=\"6\""), 3 + 1u);  // `topk`
  EXPECT_EQ(count_of(svg, ">topk</text>"), 1u);
  EXPECT_EQ(count_of(svg, ">step time (ms)</text>"), 2u);
}

TEST(Chart, PlacesPointsByTheLogarithmOfX) {
  // Panels begin at (78, 74), 380 wide and 260 high; 8 is in the middle of 2 and 32. y goes from 0 to 50, and
  // as 50 is its highest to the next tick, 60: 10 is 1/6 up. Second panel: 456 further right, with 2 lines.
  const std::string svg = to_svg(chart_of_ranks());
  EXPECT_THAT(svg, HasSubstr("points=\"78,290.7 268,247.3 458,117.3\""));
  EXPECT_THAT(svg, HasSubstr("points=\"536,"));
}

TEST(Chart, EscapesText) {
  const std::string svg = to_svg(chart_of_ranks());
  EXPECT_THAT(svg, HasSubstr(">A &amp; B &lt; C</text>"));
  EXPECT_THAT(svg, HasSubstr("aria-label=\"A &amp; B &lt; C\""));
  EXPECT_THAT(to_svg(chart_of({.name = "\"<b>\x01", .x = {1}, .y = {1}})),
              HasSubstr(">&quot;&lt;b&gt;</text>"));
}

TEST(Chart, HasRoundTicksOnALogarithmicAxis) {
  // From 1 to 50: 1, 2, 5, 10, 20, 50, in each of two panels; 2 is a tick of x besides.
  Chart chart = chart_of_ranks();
  chart.y.is_log = true;
  const std::string svg = to_svg(chart);
  for (const char* tick : {"1", "5", "10", "20", "50"}) {
    EXPECT_EQ(count_of(svg, std::string("text-anchor=\"end\" >") + tick + "</text>"), 2u) << tick;
  }
}

TEST(Chart, DrawsOnePointAndNothingButZeros) {
  Chart chart = chart_of({.name = "a", .x = {4}, .y = {0}});
  chart.x.has_ticks_at_points = true;
  chart.y.is_log = true;
  const std::string svg = to_svg(chart);
  EXPECT_THAT(svg, HasSubstr("points=\"268,334\""));  // the middle of the x axis
  EXPECT_EQ(count_of(svg, "nan"), 0u);
}

TEST(Chart, LeavesAGapWhereThereIsNoNumber) {
  const std::string svg = to_svg(chart_of({.name = "a", .x = {0, 1, 5, 9, 10}, .y = {5, 5, kNan, 9.9, 5}}));
  EXPECT_THAT(svg, HasSubstr("points=\"78,204 116,204\""));
  EXPECT_THAT(svg, HasSubstr("points=\"420,76.6 458,204\""));
}

TEST(Chart, LeavesOutWhatALogarithmCannotShow) {
  Chart chart = chart_of({.name = "a", .x = {0, 1, 2}, .y = {0, 1, 10}});
  chart.y.is_log = true;
  EXPECT_EQ(count_of(to_svg(chart), "<polyline points=\"268,"), 1u);  // 1 is in the middle of 0 and 2
}

TEST(Chart, DrawsABandAroundALine) {
  const Series series{.name = "a", .x = {0, 10}, .y = {5, 5}, .low = {4, 2}, .high = {6, 9.9}};
  // 4 is 104 up from 334, 6 is 156, 9.9 is 257.4, 2 is 52: there along the high ends, back along the low
  // ones.
  EXPECT_THAT(to_svg(chart_of(series)), HasSubstr("<polygon points=\"78,178 458,76.6 458,282 78,230\""));
}

TEST(Chart, DrawsABarThroughAPointWithAnInterval) {
  const Series series{.name = "a",
                      .x = {0, 5, 10},
                      .y = {5, 5, 5},
                      .low = {kNan, 4, 4},
                      .high = {kNan, 6, 9.9},
                      .shape = Shape::kMarks};
  const std::string svg = to_svg(chart_of(series));
  EXPECT_THAT(svg, HasSubstr("<line x1=\"268\" y1=\"230\" x2=\"268\" y2=\"178\""));
  EXPECT_EQ(count_of(svg, "<line x1=\"78\" y1=\"nan"), 0u);
  EXPECT_EQ(count_of(svg, "stroke-width=\"1.5\""), 2 * 3u);
  EXPECT_EQ(count_of(svg, "<circle "), 3 + 1u);
  EXPECT_EQ(count_of(svg, "<polyline "), 0u);
}

TEST(Chart, DrawsAReferenceInTheColourOfText) {
  Chart chart = chart_of({.name = "bound", .x = {0, 10}, .y = {1, 2}, .shape = Shape::kReference});
  chart.panels[0].series.push_back({.name = "a", .x = {0, 10}, .y = {0, 9.9}});
  const std::string svg = to_svg(chart);
  EXPECT_THAT(svg, HasSubstr("<g><title>bound</title>"));
  EXPECT_THAT(svg,
              HasSubstr("<g class=\"c0\" color=\"#0072B2\"><title>a</title>"));  // references take no colour
  EXPECT_EQ(count_of(svg, ">bound</text>"), 1u);
}

TEST(Chart, TellsMoreSeriesThanColoursByDashes) {
  Chart chart = chart_of({.name = "0", .x = {0, 1}, .y = {0, 1}});
  for (const char* name : {"1", "2", "3", "4", "5", "6", "7"}) {
    chart.panels[0].series.push_back({.name = name, .x = {0, 1}, .y = {0, 1}});
  }
  const std::string svg = to_svg(chart);
  EXPECT_EQ(count_of(svg, "class=\"c0\""), 4u);              // lines 0 and 7, and their samples in the legend
  EXPECT_EQ(count_of(svg, "stroke-dasharray=\"7 3\""), 2u);  // line 7 and its sample
}

TEST(Chart, TakesThePagesColoursWhereItIsPartOfOne) {
  Chart chart = chart_of_ranks();
  EXPECT_THAT(to_svg(chart), HasSubstr("fill=\"#fff\""));
  chart.is_file = false;
  EXPECT_THAT(to_svg(chart), Not(HasSubstr("#fff")));
}

}  // namespace
}  // namespace sterna::plot
