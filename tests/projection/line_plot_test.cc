#include "runtime/projection/line_plot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sterna::projection {
namespace {

using testing::HasSubstr;

LinePlot plot_of(bool is_y_log) {
  return {.title = "A & B < C",
          .x_label = "ranks",
          .y_label = "step time (ms)",
          .is_y_log = is_y_log,
          .x = {2, 8, 32},
          .panels = {{.title = "1 Gbit/s",
                      .lines = {{.name = "none", .y = {10, 20, 50}}, {.name = "topk", .y = {1, 2, 4}}}},
                     {.title = "10 Gbit/s", .lines = {{.name = "none", .y = {5, 6, 7}}}}}};
}

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(LinePlot, DrawsALineAPanelAndAMarkAPoint) {
  const std::string svg = to_svg(plot_of(false));
  EXPECT_EQ(count_of(svg, "<polyline "), 3u);
  EXPECT_EQ(count_of(svg, "<circle "), 3 + 3 + 1u);              // `none`, and its mark in the legend
  EXPECT_EQ(count_of(svg, "width=\"6\" height=\"6\""), 3 + 1u);  // `topk`
  EXPECT_EQ(count_of(svg, ">topk</text>"), 1u);
  EXPECT_EQ(count_of(svg, ">step time (ms)</text>"), 2u);
}

TEST(LinePlot, PlacesPointsByTheLogarithmOfX) {
  // Panels begin at (78, 74), 380 wide and 260 high; 8 is in the middle of 2 and 32. y goes from 0 to 50, and
  // as 50 is its highest to the next tick, 60: 10 is 1/6 up. Second panel: 456 further right.
  const std::string svg = to_svg(plot_of(false));
  EXPECT_THAT(svg, HasSubstr("points=\"78,290.7 268,247.3 458,117.3\""));
  EXPECT_THAT(svg, HasSubstr("points=\"536,"));
}

TEST(LinePlot, EscapesText) {
  EXPECT_THAT(to_svg(plot_of(false)), HasSubstr(">A &amp; B &lt; C</text>"));
}

TEST(LinePlot, HasRoundTicksOnALogarithmicAxis) {
  // From 1 to 50: 1, 2, 5, 10, 20, 50, in each of two panels; 2 is a tick of x besides.
  const std::string svg = to_svg(plot_of(true));
  for (const char* tick : {"1", "5", "10", "20", "50"}) {
    EXPECT_EQ(count_of(svg, std::string("text-anchor=\"end\" >") + tick + "</text>"), 2u) << tick;
  }
}

TEST(LinePlot, HasTicksOnALogarithmicAxisTooShortForRoundOnes) {
  // 3 to 3.6, with a margin 2.61 to 4.14: a quarter of it is 0.38, so 0.5 apart.
  LinePlot plot = plot_of(true);
  plot.panels = {{.title = "", .lines = {{.name = "a", .y = {3, 3.3, 3.6}}}}};
  const std::string svg = to_svg(plot);
  for (const char* tick : {"3", "3.5", "4"}) {
    EXPECT_EQ(count_of(svg, std::string("text-anchor=\"end\" >") + tick + "</text>"), 1u) << tick;
  }
}

TEST(LinePlot, DrawsOnePointAndNothingButZeros) {
  const LinePlot plot{.title = "",
                      .x_label = "",
                      .y_label = "",
                      .is_y_log = true,
                      .x = {4},
                      .panels = {{.title = "", .lines = {{.name = "a", .y = {0}}}}}};
  const std::string svg = to_svg(plot);
  EXPECT_THAT(svg, HasSubstr("points=\"268,334\""));  // the middle of the x axis
  EXPECT_EQ(count_of(svg, "nan"), 0u);
}

}  // namespace
}  // namespace sterna::projection
