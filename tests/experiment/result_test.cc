#include "runtime/experiment/result.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/experiment/table.h"

namespace sterna::experiment {
namespace {

RunSummary run(std::uint64_t seed, Value value, double payload_bytes, RunStatus status = RunStatus::kDone) {
  return {.seed = seed,
          .directory = "d",
          .status = status,
          .value = value,
          .steps = 2,
          .payload_bytes = payload_bytes,
          .dense_bytes = 100.0,
          .wire_bytes_sent = 6.0,
          .seconds = 3.0};
}

Definition definition() {
  Definition d;
  d.name = "mine";
  d.title = "Mine";
  d.planned_seeds = 2;
  d.measure = "test_accuracy";
  d.settings = {{"model", "lenet"}};
  d.variants = {{.name = "dense", .flags = {{"compressor", "none"}}},
                {.name = "topk", .flags = {{"rate", 4}}}};
  d.comparisons = {{.variant = "topk",
                    .baseline = "dense",
                    .expected = "equivalent",
                    .margin = 0.1,
                    .is_margin_relative = false}};
  return d;
}

// Two pairs, differences 0.01 and 0.03: mean 0.02, half width 12.7062 * 0.0141421 / sqrt(2) = 0.127062.
TEST(Result, HasMeansBytesAndVerdicts) {
  const ExperimentResult result = make_result(
      definition(), {{run(1, 0.50, 100.0), run(2, 0.60, 100.0)}, {run(1, 0.51, 20.0), run(2, 0.63, 30.0)}});
  EXPECT_EQ(result.seconds, 12.0);
  EXPECT_NEAR(result.variants[0].estimate->mean, 0.55, 1e-12);
  EXPECT_EQ(result.variants[1].payload_bytes, 25.0);
  EXPECT_NEAR(result.variants[1].compression_rate, 0.5 * (100.0 / 20.0 + 100.0 / 30.0), 1e-12);
  ASSERT_EQ(result.comparisons.size(), 1u);
  const Difference& difference = result.comparisons[0].difference;
  EXPECT_EQ(result.comparisons[0].pairs, 2u);
  EXPECT_NEAR(difference.estimate->mean, 0.02, 1e-12);
  EXPECT_NEAR(difference.estimate->bounds->high, 0.02 + 0.127062, 1e-6);
  EXPECT_EQ(difference.verdict, Verdict::kUndecided);
  EXPECT_EQ(result.comparisons[0].holds(), false);
}

TEST(Result, IsWrittenWithTheKeysThatReportsRead) {
  const nlohmann::ordered_json json = to_json(make_result(
      definition(), {{run(1, 0.5, 100.0), run(2, 0.5, 100.0)}, {run(1, 0.5, 25.0), run(2, 0.5, 25.0)}}));
  EXPECT_EQ(json["experiment"], "mine");
  EXPECT_EQ(json["size"], "full");
  EXPECT_EQ(json["higher_is_better"], true);
  EXPECT_EQ(json["seeds"], 2u);
  EXPECT_EQ(json["settings"], definition().settings);
  EXPECT_GE(json["machine"]["cores"], 1);
  EXPECT_FALSE(json["machine"]["processor"].get<std::string>().empty());
  const auto& topk = json["variants"][1];
  EXPECT_EQ(topk["settings"], definition().variants[1].flags);
  EXPECT_EQ(topk["runs"][0].dump(),
            R"({"seed":1,"directory":"d","status":"done","value":0.5,"steps":2,"payload_bytes":25.0,)"
            R"("compression_rate":4.0,"wire_bytes_sent":6.0,"seconds":3.0})");
  EXPECT_EQ(topk["mean"], 0.5);
  EXPECT_EQ(topk["low"], 0.5);
  EXPECT_EQ(topk["compression_rate"], 4.0);
  EXPECT_EQ(
      json["comparisons"][0].dump(),
      R"({"variant":"topk","baseline":"dense","expected":"equivalent","margin":0.1,"is_margin_relative":false,)"
      R"("pairs":2,"pairs_done":2,"difference":0.0,"low":0.0,"high":0.0,"verdict":"equivalent",)"
      R"("is_by_divergence":false,"holds":true})");
}

TEST(Result, LeavesOutWhatIsNotKnown) {
  Definition open = definition();
  open.comparisons[0].expected = "open";
  const nlohmann::ordered_json json = to_json(make_result(
      open, {{run(1, 0.5, 100.0), run(2, 0.5, 100.0)}, {run(1, std::nullopt, 25.0, RunStatus::kDiverged)}}));
  EXPECT_FALSE(json["variants"][1].contains("mean"));
  EXPECT_FALSE(json["variants"][1]["runs"][0].contains("value"));
  const auto& comparison = json["comparisons"][0];
  EXPECT_EQ(comparison["pairs"], 1);
  EXPECT_EQ(comparison["verdict"], "worse");
  EXPECT_FALSE(comparison.contains("difference"));
  EXPECT_FALSE(comparison.contains("holds"));
}

TEST(Result, HoldsNothingBeforeAllPairsAreThere) {
  Definition of_three = definition();
  of_three.planned_seeds = 3;
  const ExperimentResult result = make_result(
      of_three, {{run(1, 0.5, 100.0), run(2, 0.5, 100.0)}, {run(1, 0.5, 25.0), run(2, 0.5, 25.0)}});
  EXPECT_EQ(result.comparisons[0].difference.verdict, Verdict::kEquivalent);
  EXPECT_FALSE(result.comparisons[0].holds());
  EXPECT_THAT(to_markdown(result), testing::HasSubstr(", 2 of 3 pairs: +0.0000 (95 %: +0.0000 to +0.0000); "
                                                      "margin 0.1: not finished\n"));
}

TEST(Result, SaysWhatADifferenceIsOfWhereRunsDiverged) {
  Definition of_three = definition();
  of_three.planned_seeds = 3;
  const ExperimentResult result = make_result(
      of_three, {{run(1, 0.5, 100.0), run(2, 0.5, 100.0), run(3, 0.5, 100.0)},
                 {run(1, 0.5, 25.0), run(2, 0.5, 25.0), run(3, std::nullopt, 9.0, RunStatus::kDiverged)}});
  const nlohmann::ordered_json json = to_json(result)["comparisons"][0];
  EXPECT_EQ(json["pairs"], 3);
  EXPECT_EQ(json["pairs_done"], 2);
  EXPECT_EQ(json["is_by_divergence"], true);
  EXPECT_THAT(to_markdown(result),
              testing::HasSubstr(", 3 pairs, 2 done: +0.0000 (95 %: +0.0000 to +0.0000); "
                                 "margin 0.1: worse, expected: equivalent\n"));
}

TEST(Result, TakesNoPairOfARunThatFailed) {
  const ExperimentResult result =
      make_result(definition(), {{run(1, 0.5, 100.0)}, {run(1, std::nullopt, 0.0, RunStatus::kFailed)}});
  EXPECT_EQ(result.comparisons[0].pairs, 0u);
  EXPECT_EQ(result.comparisons[0].difference.verdict, Verdict::kUndecided);
}

TEST(Markdown, HasARowAVariantAndALineAComparison) {
  Definition relative = definition();
  relative.comparisons[0].is_margin_relative = true;
  const std::string text = to_markdown(make_result(
      relative, {{run(1, 0.5, 100.0), run(2, 0.5, 100.0)},
                 {run(1, 0.4, 20.0), run(2, 0.4, 30.0), run(3, std::nullopt, 9.0, RunStatus::kDiverged)}}));
  EXPECT_EQ(text,
            "Mine (mine, full)\n\n"
            "| variant | test_accuracy | runs | payload bytes a step | rate | seconds a run |\n"
            "|---|---|---|---|---|---|\n"
            "| dense | 0.5000 +- 0.0000 | 2 | 100 | 1.0 | 3.0 |\n"
            "| topk | 0.4000 +- 0.0000 | 2, 1 diverged | 25 | 4.2 | 3.0 |\n"
            "\n"
            "- topk against dense, 2 pairs: -20.00 % (95 %: -20.00 to -20.00 %); margin 10 %: worse, "
            "expected: equivalent\n");
}

}  // namespace
}  // namespace sterna::experiment
