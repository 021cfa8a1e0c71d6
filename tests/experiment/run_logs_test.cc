#include "runtime/experiment/run_logs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "runtime/core/errors.h"

namespace sterna::experiment {
namespace {

using nlohmann::ordered_json;

const ordered_json kDefaults = {{"lr", 0.01}, {"leader", "rotate"}, {"log-dir", ""}};

class RunLogs : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(run_.directory);
    run_.settings = {{"lr", 0.5}, {"leader", "rotate"}, {"log-dir", "here"}};
    write("run.json", R"({"settings": {"lr": 0.5, "leader": "rotate", "log-dir": "there"}})");
    write("steps.jsonl", R"({"payload_bytes": 10, "dense_bytes": 100, "wire_bytes_sent": 7}
{"payload_bytes": 40, "dense_bytes": 100, "wire_bytes_sent": 8}
)");
    write("epochs.jsonl", R"({"test_accuracy": 0.1, "test_loss": 2.0}
{"test_accuracy": 0.75, "test_loss": 1.0}
)");
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void write(const std::string& name, const std::string& text) {
    std::ofstream(run_.directory / name) << text;
  }

  // A run with the settings of run_ in another experiment.
  PlannedRun elsewhere() const {
    PlannedRun run = run_;
    run.directory = root_ / "other" / "b" / "seed-3";
    return run;
  }

  std::filesystem::path root_ = std::filesystem::path(testing::TempDir()) / "sterna-run-logs-test";
  PlannedRun run_ = {
      .variant = 0, .seed = 3, .directory = root_ / "mine" / "a" / "seed-3", .arguments = {}, .settings = {}};
};

TEST_F(RunLogs, HaveNoOutcomeUntilOneIsWrittenOrIfItFailed) {
  EXPECT_FALSE(find_outcome(run_, kDefaults));
  write_outcome(run_.directory, {.status = RunStatus::kFailed, .seconds = 1.0});
  EXPECT_FALSE(find_outcome(run_, kDefaults));
  for (RunStatus status : {RunStatus::kDone, RunStatus::kDiverged}) {
    write_outcome(run_.directory, {.status = status, .seconds = 1.5});
    const auto found = find_outcome(run_, kDefaults);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->status, status);
    EXPECT_EQ(found->seconds, 1.5);
  }
  remove_outcome(run_.directory);
  EXPECT_FALSE(find_outcome(run_, kDefaults));
  remove_outcome(run_.directory);  // it is not there, which is what was wanted
}

TEST_F(RunLogs, OfOtherSettingsAreRefused) {
  write_outcome(run_.directory, {.status = RunStatus::kDone, .seconds = 1.0});
  run_.settings["lr"] = 0.25;
  EXPECT_THAT(
      [&] { (void)find_outcome(run_, kDefaults); },
      testing::ThrowsMessage<ConfigError>(testing::AllOf(testing::HasSubstr("lr = 0.25: was 0.5 when "),
                                                         testing::HasSubstr("choose another --out"))));
}

TEST_F(RunLogs, OfAProgramWithoutASettingHaveItsDefault) {
  write_outcome(run_.directory, {.status = RunStatus::kDone, .seconds = 1.0});
  write("run.json", R"({"settings": {"lr": 0.5, "log-dir": "there"}})");
  EXPECT_TRUE(find_outcome(run_, kDefaults));
  run_.settings["leader"] = "first";
  EXPECT_THAT([&] { (void)find_outcome(run_, kDefaults); },
              testing::ThrowsMessage<ConfigError>(testing::HasSubstr("leader = \"first\": was \"rotate\"")));
}

TEST_F(RunLogs, WithoutTheirDescriptionAreDoneAnew) {
  write_outcome(run_.directory, {.status = RunStatus::kDone, .seconds = 1.0});
  std::filesystem::remove(run_.directory / "run.json");
  EXPECT_FALSE(find_outcome(run_, kDefaults));
}

TEST_F(RunLogs, OfTheSameSettingsAreCopied) {
  const PlannedRun other = elsewhere();
  EXPECT_FALSE(copy_equal_run(other, root_, kDefaults));  // it has not ended
  EXPECT_FALSE(std::filesystem::exists(other.directory));

  write_outcome(run_.directory, {.status = RunStatus::kDone, .seconds = 1.5});
  std::filesystem::create_directories(other.directory);
  std::ofstream(other.directory / "steps.jsonl") << "of a run that was interrupted";
  std::ofstream(other.directory / "gradients.npy") << "as well";
  const auto copied = copy_equal_run(other, root_, kDefaults);
  ASSERT_TRUE(copied);
  EXPECT_EQ(copied->from, run_.directory);
  EXPECT_EQ(copied->outcome.seconds, 1.5);
  EXPECT_FALSE(std::filesystem::exists(other.directory / "gradients.npy"));
  const auto found = find_outcome(other, kDefaults);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->seconds, 1.5);
  EXPECT_EQ(summarise(other, *found, "test_accuracy").value, 0.75);
}

TEST_F(RunLogs, OfOtherSettingsOrSeedsOrThatFailedAreNotCopied) {
  write_outcome(run_.directory, {.status = RunStatus::kFailed, .seconds = 1.5});
  EXPECT_FALSE(copy_equal_run(elsewhere(), root_, kDefaults));
  write_outcome(run_.directory, {.status = RunStatus::kDone, .seconds = 1.5});
  PlannedRun other = elsewhere();
  other.settings["lr"] = 0.25;
  EXPECT_FALSE(copy_equal_run(other, root_, kDefaults));
  other = elsewhere();
  other.directory = root_ / "other" / "b" / "seed-4";
  EXPECT_FALSE(copy_equal_run(other, root_, kDefaults));
  EXPECT_FALSE(copy_equal_run(run_, root_, kDefaults));  // itself alone
}

// Payloads of 10 and 40 bytes: 25 in the mean.
TEST_F(RunLogs, AreSummedUp) {
  const RunSummary summary = summarise(run_, {.status = RunStatus::kDone, .seconds = 9.0}, "test_accuracy");
  EXPECT_EQ(summary.seed, 3u);
  EXPECT_EQ(summary.directory, "a/seed-3");
  EXPECT_EQ(summary.value, 0.75);
  EXPECT_EQ(summary.steps, 2u);
  EXPECT_EQ(summary.payload_bytes, 25.0);
  EXPECT_EQ(summary.dense_bytes, 100.0);
  EXPECT_EQ(summary.wire_bytes_sent, 15.0);
  EXPECT_EQ(summary.seconds, 9.0);
}

TEST_F(RunLogs, OfAMeasureThatIsNoFiniteNumberAreThoseOfARunThatDiverged) {
  write("epochs.jsonl", "{\"perplexity\": null, \"test_loss\": 800.0}\n");
  const RunSummary summary = summarise(run_, {.status = RunStatus::kDone, .seconds = 9.0}, "perplexity");
  EXPECT_FALSE(summary.value);
  EXPECT_EQ(summary.status, RunStatus::kDiverged);
}

TEST_F(RunLogs, OfARunThatDivergedHaveNoValue) {
  const RunSummary summary =
      summarise(run_, {.status = RunStatus::kDiverged, .seconds = 9.0}, "test_accuracy");
  EXPECT_FALSE(summary.value);
  EXPECT_EQ(summary.steps, 2u);
}

TEST_F(RunLogs, OfARunThatFailedAreNotRead) {
  write("steps.jsonl", "of an earlier try");
  EXPECT_EQ(summarise(run_, {.status = RunStatus::kFailed, .seconds = 1.0}, "test_accuracy").steps, 0u);
}

TEST_F(RunLogs, MustHaveTheMeasure) {
  EXPECT_THAT([&] { (void)summarise(run_, {.status = RunStatus::kDone, .seconds = 1.0}, "test_bleu"); },
              testing::ThrowsMessage<ConfigError>(
                  testing::AllOf(testing::HasSubstr("measure = \"test_bleu\""),
                                 testing::HasSubstr("has only test_accuracy, test_loss"))));
}

TEST_F(RunLogs, ThatWereSpoiledAreNamed) {
  const auto throws = [](const char* message) {
    return testing::ThrowsMessage<ConfigError>(testing::HasSubstr(message));
  };
  write("outcome.json", R"({"status": "finished", "seconds": 1})");
  EXPECT_THAT([&] { (void)find_outcome(run_, kDefaults); }, throws("outcome.json: status = \"finished\""));
  write("outcome.json", R"({"status": "done"})");
  EXPECT_THAT([&] { (void)find_outcome(run_, kDefaults); }, throws("key 'seconds' not found"));
  write("outcome.json", "{");
  EXPECT_THAT([&] { (void)find_outcome(run_, kDefaults); },
              throws("outcome.json: is not what `sterna experiment` writes"));
  write("steps.jsonl", "{}\n");
  EXPECT_THAT([&] { (void)summarise(run_, {.status = RunStatus::kDone, .seconds = 1.0}, "test_accuracy"); },
              throws("steps.jsonl, line 1: is not"));
  write("steps.jsonl", "{\n");
  EXPECT_THAT([&] { (void)summarise(run_, {.status = RunStatus::kDone, .seconds = 1.0}, "test_accuracy"); },
              throws("steps.jsonl, line 1: is not"));
}

}  // namespace
}  // namespace sterna::experiment
