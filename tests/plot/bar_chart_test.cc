#include "runtime/plot/bar_chart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/plot/count_of.h"

namespace sterna::plot {
namespace {

using testing::HasSubstr;

TEST(BarChart, StacksPartsAndWritesTheirSum) {
  // The axis goes from 0 to 10, 460 pixels: parts of 6 and 4 are 276 and 184 wide, the second where the first
  // ends. Names are short, so that bars begin at 78.
  const std::string svg = to_svg(BarChart{.title = "t",
                                          .label = "ms",
                                          .part_names = {"compute", "rest"},
                                          .bars = {{.name = "a", .parts = {6, 4}}}});
  EXPECT_THAT(svg, HasSubstr("<rect x=\"78\" y=\"52\" width=\"276\""));
  EXPECT_THAT(svg, HasSubstr("<rect x=\"354\" y=\"52\" width=\"184\""));
  EXPECT_THAT(svg, HasSubstr("<text x=\"546\" y=\"65\" text-anchor=\"start\" >10</text>"));
  EXPECT_THAT(svg, HasSubstr("<title>rest: 4</title>"));
}

TEST(BarChart, HasALegendWhereThereAreParts) {
  BarChart chart{.title = "t", .label = "", .part_names = {"one"}, .bars = {{.name = "a", .parts = {1}}}};
  EXPECT_EQ(count_of(to_svg(chart), ">one</text>"), 0u);
  chart.part_names = {"one", "two"};
  chart.bars[0].parts = {1, 0};
  const std::string svg = to_svg(chart);
  EXPECT_EQ(count_of(svg, ">one</text>"), 1u);
  EXPECT_EQ(count_of(svg, ">two</text>"), 1u);
  EXPECT_EQ(count_of(svg, "<title>two"), 0u);  // nothing to draw
}

TEST(BarChart, DrawsNothingButZeros) {
  const std::string svg =
      to_svg(BarChart{.title = "", .label = "", .part_names = {"p"}, .bars = {{.name = "a", .parts = {0}}}});
  EXPECT_EQ(count_of(svg, "<rect"), 0u);
  EXPECT_EQ(count_of(svg, "nan"), 0u);
}

}  // namespace
}  // namespace sterna::plot
