#include "runtime/report/experiment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "runtime/core/errors.h"
#include "tests/report/results.h"
#include "tests/support/scratch_directory.h"

namespace sterna::report {
namespace {

using nlohmann::json;
using test::ScratchDirectory;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using testing::ThrowsMessage;

Experiment read(const ScratchDirectory& directory, const json& result) {
  directory.write("result.json", result.dump(2));
  return read_experiment(directory.path());
}

TEST(Experiment, IsReadWhole) {
  const ScratchDirectory directory;
  const Experiment e = read(directory, result_json());
  EXPECT_EQ(e.name, "small");
  EXPECT_EQ(e.machine, "made by hand, 2 cores");
  EXPECT_THAT(e.settings, ElementsAre(Pair("batch", "32"), Pair("model", "small")));
  ASSERT_EQ(e.variants.size(), 2u);
  EXPECT_EQ(e.variants[1].runs[1].directory, directory.path() / "topk/seed-2");
  EXPECT_EQ(e.variants[1].compression_rate, 100.0);
  EXPECT_EQ(e.variant("topk"), &e.variants[1]);
  EXPECT_EQ(e.variant("nobody"), nullptr);
  EXPECT_EQ(e.comparisons[0].low, -0.0010);
  EXPECT_EQ(e.comparisons[0].pairs, 2u);
}

TEST(Experiment, TakesTheSecondsOfRunsThatAreDone) {
  const ScratchDirectory directory;
  json result = result_json();
  EXPECT_EQ(read(directory, result).variants[0].mean_seconds(), 3.5);  // of 3 and 4
  result["variants"][0]["runs"][1]["status"] = "failed";
  EXPECT_EQ(read(directory, result).variants[0].mean_seconds(), 3.0);
  result["variants"][0]["runs"][0]["status"] = "diverged";
  const Experiment none_done = read(directory, result);
  EXPECT_TRUE(std::isnan(none_done.variants[0].mean_seconds()));
  EXPECT_EQ(none_done.variants[0].count("diverged"), 1u);
}

TEST(Experiment, KnowsHowManySeedsWerePlanned) {
  const ScratchDirectory directory;
  nlohmann::json result = result_json();
  directory.write("result.json", result.dump());
  EXPECT_EQ(read_experiment(directory.path()).comparisons[0].planned_pairs, 0u) << "of a file that has none";
  result["seeds"] = 5;
  directory.write("result.json", result.dump());
  EXPECT_EQ(read_experiment(directory.path()).seeds, 5u);
  EXPECT_EQ(read_experiment(directory.path()).comparisons[0].planned_pairs, 5u);
}

TEST(Experiment, KnowsWhatAVerdictRestsOn) {
  const ScratchDirectory directory;
  json result = result_json();
  EXPECT_EQ(read(directory, result).comparisons[0].pairs_done, 2u) << "of a file that does not say";
  EXPECT_FALSE(read(directory, result).comparisons[0].is_by_divergence);
  result["comparisons"][0]["pairs_done"] = 1;
  result["comparisons"][0]["is_by_divergence"] = true;
  EXPECT_EQ(read(directory, result).comparisons[0].pairs_done, 1u);
  EXPECT_TRUE(read(directory, result).comparisons[0].is_by_divergence);
}

TEST(Experiment, NeedsNoIntervalAndNoValues) {
  const ScratchDirectory directory;
  json result = result_json();
  for (const char* key : {"mean", "low", "high"}) result["variants"][0].erase(key);
  result["variants"][0]["runs"][0]["value"] = nullptr;  // as JSON has infinity
  for (const char* key : {"difference", "low", "high", "holds"}) result["comparisons"][0].erase(key);
  const Experiment e = read(directory, result);
  EXPECT_EQ(e.variants[0].mean, std::nullopt);
  EXPECT_EQ(e.variants[0].runs[0].value, std::nullopt);
  EXPECT_EQ(e.comparisons[0].difference, std::nullopt);
}

TEST(Experiment, RefusesWhatIsNone) {
  const ScratchDirectory directory;
  json result = result_json();
  result.erase("measure");
  EXPECT_THAT([&] { (void)read(directory, result); },
              ThrowsMessage<ConfigError>(AllOf(
                  HasSubstr("result.json: is not what `sterna experiment` writes"), HasSubstr("measure"))));
  result = result_json();
  result["comparisons"][0]["verdict"] = "splendid";
  EXPECT_THAT([&] { (void)read(directory, result); },
              ThrowsMessage<ConfigError>(HasSubstr("verdict = splendid is none of equivalent, worse")));
  result = result_json();
  result["variants"][0]["runs"][0]["status"] = "lost";
  EXPECT_THAT([&] { (void)read(directory, result); }, ThrowsMessage<ConfigError>(HasSubstr("status = lost")));
  directory.write("result.json", "{\n\"title\": \"cut");
  EXPECT_THAT([&] { (void)read_experiment(directory.path()); },
              ThrowsMessage<ConfigError>(HasSubstr("line 2")));
}

}  // namespace
}  // namespace sterna::report
