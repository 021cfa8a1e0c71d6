// The experiments of this build, against its flags, models, data sets and compressors.
#include "runtime/experiment/embedded.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "runtime/commands/experiment_program.h"
#include "runtime/experiment/plan.h"

namespace sterna::experiment {
namespace {

TEST(EmbeddedDefinitions, AreSortedAndHaveAHead) {
  const auto all = embedded_definitions();
  EXPECT_GE(all.size(), 19u);
  EXPECT_TRUE(std::ranges::is_sorted(all, {}, &EmbeddedDefinition::name));
  for (const EmbeddedDefinition& each : all) EXPECT_TRUE(each.text.starts_with("# ")) << each.name;
}

class EveryDefinition : public testing::TestWithParam<EmbeddedDefinition> {};

// Every run of it, small and large, as `sterna train` would take it. The data sets need not be there.
TEST_P(EveryDefinition, HasSettingsThatTheProgramTakes) {
  const Program program = commands::this_program();
  for (bool is_quick : {false, true}) {
    Definition definition = find_definition(std::string(GetParam().name), program.flags, is_quick);
    EXPECT_FALSE(definition.title.empty());
    definition.settings["data-dir"] = "/nowhere";
    const std::vector<PlannedRun> runs = plan_runs(definition, definition.seeds, "/nowhere/out", "", program);
    EXPECT_EQ(runs.size(), definition.variants.size() * definition.seeds);
    for (const PlannedRun& run : runs) EXPECT_EQ(run.settings["seed"], run.seed);
  }
}

TEST_P(EveryDefinition, IsSmallerIfQuick) {
  const Program program = commands::this_program();
  const std::string name(GetParam().name);
  const Definition full = find_definition(name, program.flags, /*is_quick=*/false);
  const Definition quick = find_definition(name, program.flags, /*is_quick=*/true);
  EXPECT_LE(quick.seeds, full.seeds);
  EXPECT_NE(quick.settings, full.settings);
}

INSTANTIATE_TEST_SUITE_P(Embedded, EveryDefinition,
                         testing::ValuesIn(embedded_definitions().begin(), embedded_definitions().end()),
                         [](const auto& test) {
                           std::string name(test.param.name);
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace sterna::experiment
