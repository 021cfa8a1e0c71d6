#include "runtime/report/run_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "runtime/core/errors.h"
#include "tests/report/logs.h"

namespace sterna::report {
namespace {

using nlohmann::json;
using test::ScratchDirectory;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::ThrowsMessage;

RunLog read_all(const ScratchDirectory& directory) {
  RunLog run = read_run_log(directory.path() / "run");
  read_layers(run);
  return run;
}

TEST(Columns, HaveNoNumberWhereARowLacksOne) {
  Columns columns;
  columns.add({{"a", 1}, {"name", "text"}});
  columns.add({{"b", 2.5}, {"a", nullptr}});
  columns.add({{"a", 3}});
  EXPECT_EQ(columns.rows(), 3u);
  EXPECT_THAT(columns.names(), ElementsAre("a", "b"));
  EXPECT_TRUE(columns.has("a"));
  EXPECT_FALSE(columns.has("name"));
  EXPECT_THAT(columns.at("a"), ElementsAre(1, testing::IsNan(), 3));
  EXPECT_THAT(columns.at("b"), ElementsAre(testing::IsNan(), 2.5, testing::IsNan()));
  EXPECT_EQ(columns.at("nothing").size(), 3u);
  EXPECT_EQ(columns.last("a"), 3);
  EXPECT_TRUE(std::isnan(columns.last("b")));
  EXPECT_TRUE(std::isnan(Columns().last("a")));
}

TEST(RunLog, HasSettingsParametersAndRows) {
  const ScratchDirectory directory;
  write_run(directory, "run", "adacomp", {2.0, 1.0});
  const RunLog run = read_all(directory);
  EXPECT_EQ(run.setting("compressor"), "adacomp");
  EXPECT_EQ(run.setting("lr"), "0.25");
  EXPECT_EQ(run.setting("model-arg"), "width=2 depth=3");
  EXPECT_EQ(run.setting("nothing"), "");
  EXPECT_EQ(run.learners, 4);
  ASSERT_EQ(run.parameters.size(), 2u);
  EXPECT_FALSE(run.parameters[1].is_compressed);
  EXPECT_THAT(run.steps.at("loss"), ElementsAre(2.0, 1.0));
  EXPECT_EQ(run.epochs.last("test_accuracy"), 0.875);
  EXPECT_THAT(run.notes, IsEmpty());
}

TEST(RunLog, PassesOverALastLineThatIsNotComplete) {
  const ScratchDirectory directory;
  write_run(directory, "run", "none", {2.0});
  const std::string whole = step_row(0, 2.0).dump() + "\n";
  directory.write("run/steps.jsonl", whole + whole.substr(0, 40));
  const RunLog run = read_all(directory);
  EXPECT_EQ(run.steps.rows(), 1u);
  EXPECT_THAT(run.notes, ElementsAre(HasSubstr("The last line of steps.jsonl is not complete")));

  directory.write("run/steps.jsonl", whole + step_row(1, 1.0).dump());  // whole, but for its end
  EXPECT_EQ(read_all(directory).steps.rows(), 2u);
}

TEST(RunLog, NamesTheLineThatIsWrong) {
  const ScratchDirectory directory;
  write_run(directory, "run", "none", {2.0});
  const std::string whole = step_row(0, 2.0).dump() + "\n";
  directory.write("run/steps.jsonl", whole + "{\"step\": \n" + whole);
  EXPECT_THAT([&] { read_all(directory); },
              ThrowsMessage<ConfigError>(
                  AllOf(HasSubstr("[report] "), HasSubstr("steps.jsonl, line 2: is not what"))));
  directory.write("run/steps.jsonl", whole);
  directory.write("run/layers.jsonl", "{\"step\": 0}\n");
  EXPECT_THAT([&] { read_all(directory); }, ThrowsMessage<ConfigError>(HasSubstr("layers.jsonl, line 1: ")));
  EXPECT_EQ(read_run_log(directory.path() / "run").steps.rows(), 1u) << "does not look there";
}

TEST(RunLog, NamesADescriptionThatIsWrong) {
  const ScratchDirectory directory;
  write_run(directory, "run", "none", {2.0});
  directory.write("run/run.json", "{\"settings\": {}}");
  EXPECT_THAT([&] { read_all(directory); }, ThrowsMessage<ConfigError>(HasSubstr("run.json: is not what")));
  directory.write("run/run.json", "{\n\"settings\": oh\n}");
  EXPECT_THAT([&] { read_all(directory); }, ThrowsMessage<ConfigError>(HasSubstr("line 2")));
}

TEST(RunLog, GroupsRowsByLayer) {
  const ScratchDirectory directory;
  write_run(directory, "run", "adacomp", {2.0});
  std::string layers;
  std::string diagnostics;
  for (int step = 0; step < 2; ++step) {
    for (const char* name : {"b", "a"}) {
      json row = {
          {"step", step}, {"layer", name}, {"kind", "convolution"}, {"elements", 120}, {"elements_sent", 3}};
      layers += row.dump() + "\n";
      row["residue_quantiles"] = {step, 2.0};
      row["mean_residue_quantiles"] = {0.5, 1.0};
      diagnostics += row.dump() + "\n";
    }
  }
  directory.write("run/layers.jsonl", layers);
  directory.write("run/diagnostics.jsonl", diagnostics);
  const RunLog run = read_all(directory);
  ASSERT_EQ(run.layers.size(), 2u);
  EXPECT_EQ(run.layers[0].name, "b");
  EXPECT_EQ(run.layers[1].elements, 120);
  EXPECT_THAT(run.layers[1].rows.at("elements_sent"), ElementsAre(3, 3));
  EXPECT_THAT(run.diagnostics[0].residue_quantiles, ElementsAre(1, 2));  // of the last step
}

}  // namespace
}  // namespace sterna::report
