#include "runtime/report/diagnostic_comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "runtime/core/errors.h"
#include "tests/plot/count_of.h"
#include "tests/report/logs.h"

namespace sterna::report {
namespace {

using nlohmann::json;
using plot::count_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

// Logs of a layer, a row a step.
LayerLog layer_log(const std::string& name, double elements, const std::vector<json>& rows) {
  LayerLog layer{.name = name, .kind = "convolution", .elements = elements};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    json row = rows[i];
    row["step"] = i;
    layer.rows.add(row);
  }
  return layer;
}

RunLog run_of(std::vector<LayerLog> layers) {
  RunLog run{.directory = "made-by-hand"};
  run.diagnostics = std::move(layers);
  return run;
}

json row(double sent, double together, double residue) {
  return {{"elements_sent", sent}, {"union_elements", together}, {"residue_p95", residue}};
}

struct NamedRuns {
  std::string name;
  const std::vector<RunLog>& runs;
};

std::vector<Block> blocks_of(const std::vector<NamedRuns>& named) {
  std::vector<VariantRuns> variants;
  for (const auto& [name, runs] : named) variants.push_back({name, RunList(runs.begin(), runs.end())});
  std::vector<Block> blocks;
  add_diagnostic_comparison(variants, blocks);
  return blocks;
}

TEST(DiagnosticComparison, SetsVariantsSideBySide) {
  // Medians 40 and 60 over steps of two seeds, 10 of the other variant's one; what neither has gets no
  // column.
  const std::vector<RunLog> sum = {
      run_of({layer_log("fc", 1234, {row(10, 20, 0.125), row(10, 40, 0.25), row(10, 999, 9)})}),
      run_of({layer_log("fc", 1234, {row(30, 60, 0.75), row(30, 60, 0.75)})})};
  json with_distance = row(10, 10, 2.0);
  with_distance["cosine_distance"] = 0.5;
  const std::vector<RunLog> other = {run_of({layer_log("fc", 1234, {with_distance})})};
  const std::vector<RunLog> dense = {run_of({})};
  const std::vector<Block> blocks = blocks_of({{"none", dense}, {"topk", sum}, {"scalecom", other}});
  const std::vector<Table> tables = all_of<Table>(blocks);
  ASSERT_THAT(tables, SizeIs(1));
  EXPECT_THAT(tables[0].caption, StartsWith("Diagnostics of fc, 1,234 elements: means over seeds"));
  std::vector<std::string> titles;
  for (const Column& column : tables[0].columns) titles.push_back(column.title);
  EXPECT_THAT(titles, ElementsAre("variant", "sent by learner 0", "sent by one or more learners",
                                  "p95 of |residue|", "cosine distance"));
  EXPECT_THAT(tables[0].rows, ElementsAre(ElementsAre("topk", "20", "50", "0.500", ""),
                                          ElementsAre("scalecom", "10", "10", "2.00", "0.500")));
}

TEST(DiagnosticComparison, DrawsALineAVariantOfTheLargestLayer) {
  const std::vector<json> rows = {row(10, 20, 0.5), row(10, 30, 0.25), row(10, 40, 0.125)};
  const std::vector<RunLog> one = {run_of({layer_log("small", 10, rows), layer_log("large", 99, rows)})};
  const std::vector<Block> blocks = blocks_of({{"a", one}, {"b", one}});
  EXPECT_THAT(all_of<Table>(blocks), SizeIs(2));
  EXPECT_THAT(all_of<Table>(blocks)[0].caption, StartsWith("Diagnostics of large, 99"));
  const Section section{.title = "", .blocks = blocks};
  EXPECT_EQ(count_of(figure_titled(section, "95th percentile of a residue, large"), "<polyline "), 2u);
  // 4 times those of one learner at most, from 0.
  EXPECT_THAT(figure_titled(section, "Gradient build-up, large"), HasSubstr(">4</text>"));
  EXPECT_EQ(figure_titled(section, "Contraction, large"), "") << "no row has it";
}

TEST(DiagnosticComparison, HasThreeTablesAtMost) {
  std::vector<LayerLog> layers;
  for (int i = 0; i < 5; ++i) layers.push_back(layer_log(cat("l", i), 10 + i, {row(1, 1, 1)}));
  const std::vector<RunLog> runs = {run_of(layers)};
  const std::vector<Table> tables = all_of<Table>(blocks_of({{"a", runs}, {"b", runs}}));
  ASSERT_THAT(tables, SizeIs(3));
  EXPECT_THAT(tables[2].caption, StartsWith("Diagnostics of l2,"));
}

TEST(DiagnosticComparison, WantsTwoVariantsWithALayer) {
  const std::vector<RunLog> one = {run_of({layer_log("fc", 10, {row(1, 1, 1)})})};
  const std::vector<RunLog> elsewhere = {run_of({layer_log("other", 10, {row(1, 1, 1)})})};
  const std::vector<RunLog> none;
  EXPECT_THAT(blocks_of({{"a", one}}), IsEmpty());
  EXPECT_THAT(blocks_of({{"a", one}, {"b", none}, {"c", elsewhere}}), IsEmpty());
}

}  // namespace
}  // namespace sterna::report
