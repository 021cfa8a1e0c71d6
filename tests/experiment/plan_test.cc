#include "runtime/experiment/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/core/errors.h"

namespace sterna::experiment {
namespace {

using testing::Contains;
using testing::ElementsAre;

Definition two_variants() {
  Definition definition;
  definition.name = "mine";
  definition.seeds = 2;
  definition.settings = {{"model", "lenet"}, {"lr", 0.1}};
  definition.variants = {{.name = "a", .flags = {{"lr", 0.2}}}, {.name = "b", .flags = Flags::object()}};
  return definition;
}

// Takes everything, and counts what it was asked.
Program any_program() {
  Program program;
  program.settings_of = [](const std::vector<std::string>& arguments) {
    return nlohmann::ordered_json{{"arguments", arguments.size()}};
  };
  return program;
}

TEST(ToArguments, WritesEachKindOfValue) {
  const Flags flags = {{"model", "lenet"},  {"lr", 0.1},   {"epochs", 3},
                       {"csv", true},       {"beta", 1.0}, {"model-arg", {"a=1", "b=2"}},
                       {"dense-layers", ""}};
  EXPECT_THAT(to_arguments(flags),
              ElementsAre("--model=lenet", "--lr=0.1", "--epochs=3", "--csv=true", "--beta=1.0",
                          "--model-arg=a=1", "--model-arg=b=2", "--dense-layers="));
}

TEST(PlanRuns, TakesEveryVariantWithTheFirstSeedFirst) {
  const std::vector<PlannedRun> runs = plan_runs(two_variants(), /*seeds=*/2, "out/mine", "", any_program());
  ASSERT_EQ(runs.size(), 4u);
  EXPECT_EQ(runs[0].directory, "out/mine/a/seed-1");
  EXPECT_EQ(runs[1].directory, "out/mine/b/seed-1");
  EXPECT_EQ(runs[2].directory, "out/mine/a/seed-2");
  EXPECT_EQ(runs[3].variant, 1u);
  EXPECT_EQ(runs[3].seed, 2u);
}

TEST(PlanRuns, LetsAVariantsFlagsWin) {
  const std::vector<PlannedRun> runs = plan_runs(two_variants(), /*seeds=*/2, "out/mine", "", any_program());
  EXPECT_THAT(runs[0].arguments,
              ElementsAre("--model=lenet", "--lr=0.2", "--seed=1", "--log-dir=out/mine/a/seed-1",
                          "--overwrite=true", "--progress=off"));
  EXPECT_THAT(runs[1].arguments, Contains("--lr=0.1"));
  EXPECT_EQ(runs[1].settings["arguments"], 6);
}

TEST(PlanRuns, SaysWhichVariantTheProgramRefuses) {
  Program program;
  program.settings_of = [](const std::vector<std::string>&) -> nlohmann::ordered_json {
    throw ConfigError("[train] lr = 0.2: no");
  };
  EXPECT_THAT([&] { (void)plan_runs(two_variants(), /*seeds=*/2, "out", "", program); },
              testing::ThrowsMessage<ConfigError>("[experiment] mine, variant a: [train] lr = 0.2: no"));
}

class DataRoot : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(root_ / "text"); }
  void TearDown() override { std::filesystem::remove_all(root_); }

  std::filesystem::path root_ = std::filesystem::path(testing::TempDir()) / "sterna-plan-test";
};

TEST_F(DataRoot, IsWhereADataSetsFolderIs) {
  Definition definition = two_variants();
  definition.settings["data"] = "text";
  const auto find = [&] {
    return plan_runs(definition, definition.seeds, "out", root_, any_program())[0].arguments;
  };
  EXPECT_THAT(find(), Contains("--data-dir=" + (root_ / "text").string()));
  std::filesystem::create_directories(root_ / "tinyshakespeare");
  EXPECT_THAT(find(), Contains("--data-dir=" + (root_ / "tinyshakespeare").string()));
  definition.settings["data-dir"] = "elsewhere";
  EXPECT_THAT(find(), Contains("--data-dir=elsewhere"));
}

TEST_F(DataRoot, MustBeGivenAndHaveTheFolder) {
  Definition definition = two_variants();
  definition.settings["data"] = "mnist";
  EXPECT_THAT([&] { (void)plan_runs(definition, definition.seeds, "out", "", any_program()); },
              testing::ThrowsMessage<ConfigError>(testing::HasSubstr("data-root: must be given")));
  EXPECT_THAT([&] { (void)plan_runs(definition, definition.seeds, "out", root_, any_program()); },
              testing::ThrowsMessage<ConfigError>(testing::HasSubstr("must have a folder mnist")));
}

}  // namespace
}  // namespace sterna::experiment
