#include "runtime/record/log_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "runtime/core/errors.h"
#include "tests/support/scratch_directory.h"

namespace sterna::record {
namespace {

using test::bytes_of;
using test::ScratchDirectory;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(LogDirectory, NamesTheKeysOfAStepAsTheContractDoes) {
  std::vector<std::string> keys;
  const auto json = nlohmann::ordered_json::parse(to_json_line(StepRecord{}));
  for (const auto& [key, value] : json.items()) keys.push_back(key);
  EXPECT_THAT(keys,
              ElementsAre("step", "epoch", "samples", "loss", "accuracy", "learning_rate", "step_seconds",
                          "compute_seconds", "compress_seconds", "exchange_seconds", "exposed_seconds",
                          "wire_bytes_sent", "wire_bytes_received", "network_bytes_sent",
                          "network_bytes_received", "value_bytes", "index_bytes", "header_bytes",
                          "padding_bytes", "forwarded_bytes", "control_bytes", "payload_bytes", "dense_bytes",
                          "compression_rate", "elements_sent", "buckets", "bandwidth_bytes_per_second"));
}

TEST(LogDirectory, WritesALineARow) {
  const ScratchDirectory directory;
  {
    LogDirectory log({.directory = directory.path() / "logs", .with_layers = true});
    log.write_run("{}");
    log.write(StepRecord{.step = 0, .loss = 2.5});
    log.write(StepRecord{.step = 1, .loss = 2.25});
    log.write(EpochRecord{.epoch = 1, .parameter_hash = "0123456789abcdef"});
    log.write(RankRecord{.epoch = 1, .rank = 2, .host = "node7", .wire_bytes_sent = 99});
    log.write(LayerRecord{.step = 1, .layer = "fc.weight", .elements_sent = 7});
  }
  EXPECT_EQ(bytes_of(directory.path() / "logs/run.json"), "{}\n");
  std::istringstream steps(bytes_of(directory.path() / "logs/steps.jsonl"));
  std::string line;
  ASSERT_TRUE(std::getline(steps, line));
  EXPECT_EQ(nlohmann::json::parse(line)["loss"], 2.5);
  ASSERT_TRUE(std::getline(steps, line));
  EXPECT_EQ(nlohmann::json::parse(line)["step"], 1);
  EXPECT_FALSE(std::getline(steps, line));
  EXPECT_EQ(nlohmann::json::parse(bytes_of(directory.path() / "logs/epochs.jsonl"))["parameter_hash"],
            "0123456789abcdef");
  const auto rank = nlohmann::json::parse(bytes_of(directory.path() / "logs/ranks.jsonl"));
  EXPECT_EQ(rank["host"], "node7");
  EXPECT_EQ(rank["wire_bytes_sent"], 99);
  EXPECT_EQ(nlohmann::json::parse(bytes_of(directory.path() / "logs/layers.jsonl"))["elements_sent"], 7);
}

TEST(LogDirectory, HasEachRowWholeOnDiskAsSoonAsItIsWritten) {
  const ScratchDirectory directory;
  LogDirectory log({.directory = directory.path()});
  log.write(StepRecord{.step = 3});
  EXPECT_THAT(bytes_of(directory.path() / "steps.jsonl"), testing::EndsWith("}\n"));
}

TEST(LogDirectory, LeavesOutPerplexityWhereThereIsNone) {
  const ScratchDirectory directory;
  LogDirectory log({.directory = directory.path()});
  log.write(EpochRecord{});
  EXPECT_FALSE(nlohmann::json::parse(bytes_of(directory.path() / "epochs.jsonl")).contains("perplexity"));
}

TEST(LogDirectory, HasTheMeasuresOfAModelInBothFormats) {
  const ScratchDirectory directory;
  LogDirectory log({.directory = directory.path(), .with_csv = true});
  log.write(EpochRecord{.test_top5_accuracy = 0.875,
                        .perplexity = 8.0,
                        .test_bits_per_symbol = 3.0,
                        .test_token_accuracy = 0.25});
  const auto row = nlohmann::json::parse(bytes_of(directory.path() / "epochs.jsonl"));
  EXPECT_EQ(row["test_top5_accuracy"], 0.875);
  EXPECT_EQ(row["test_bits_per_symbol"], 3.0);
  EXPECT_EQ(row["test_token_accuracy"], 0.25);
  EXPECT_THAT(
      bytes_of(directory.path() / "epochs.csv"),
      HasSubstr("test_accuracy,test_top5_accuracy,perplexity,test_bits_per_symbol,test_token_accuracy,"));
}

TEST(LogDirectory, WritesTheSameRowsAsCsv) {
  const ScratchDirectory directory;
  LogDirectory log({.directory = directory.path(), .with_csv = true});
  log.write(EpochRecord{.epoch = 1, .step = 10, .train_loss = 0.5, .parameter_hash = "00ff"});
  log.write(EpochRecord{.epoch = 2, .step = 20, .train_loss = 0.25, .parameter_hash = "00fe"});
  EXPECT_EQ(bytes_of(directory.path() / "epochs.csv"),
            "epoch,step,train_loss,train_accuracy,test_loss,test_accuracy,epoch_seconds,wire_bytes_sent,"
            "parameter_hash\n"
            "1,10,0.5,0.0,0.0,0.0,0.0,0,00ff\n"
            "2,20,0.25,0.0,0.0,0.0,0.0,0,00fe\n");
}

TEST(LogDirectory, RefusesToReplaceAnotherRun) {
  const ScratchDirectory directory;
  { LogDirectory(LogOptions{.directory = directory.path()}).write(StepRecord{.step = 41}); }
  EXPECT_THAT([&] { LogDirectory(LogOptions{.directory = directory.path()}); },
              ThrowsMessage<ConfigError>(HasSubstr("--overwrite")));
  EXPECT_THAT(bytes_of(directory.path() / "steps.jsonl"), HasSubstr("41"));
}

TEST(LogDirectory, DoesNotReplaceARunThatIsUnderWay) {
  const ScratchDirectory directory;
  LogDirectory log({.directory = directory.path()});
  log.write(StepRecord{.step = 41});
  EXPECT_THAT([&] { LogDirectory(LogOptions{.directory = directory.path(), .overwrite = true}); },
              ThrowsMessage<ConfigError>(HasSubstr("another run is writing (steps.jsonl)")));
  log.write(StepRecord{.step = 42});
  EXPECT_THAT(bytes_of(directory.path() / "steps.jsonl"), testing::AllOf(HasSubstr("41"), HasSubstr("42")));
}

TEST(LogDirectory, ReplacesAnotherRunWhereItIsAskedTo) {
  const ScratchDirectory directory;
  {
    LogDirectory log({.directory = directory.path(), .with_layers = true});
    log.write_run("{\"old\": 1}");
    log.write(StepRecord{.step = 41});
    log.write_text("translations.txt", "ein Hund\n");
    log.write_text("vocabulary.txt", "byte-pairs 1 259 0\n");
  }
  const LogDirectory log({.directory = directory.path(), .overwrite = true});
  EXPECT_EQ(bytes_of(directory.path() / "steps.jsonl"), "");
  EXPECT_FALSE(std::filesystem::exists(directory.path() / "run.json"));
  EXPECT_FALSE(std::filesystem::exists(directory.path() / "layers.jsonl"));
  EXPECT_FALSE(std::filesystem::exists(directory.path() / "translations.txt"));
  EXPECT_FALSE(std::filesystem::exists(directory.path() / "vocabulary.txt"));
}

TEST(LogDirectory, SaysWhyItCannotBeMade) {
  const ScratchDirectory directory;
  (void)directory.write("file", "x");
  EXPECT_THAT(
      [&] { LogDirectory(LogOptions{.directory = directory.path() / "file" / "logs"}); },
      ThrowsMessage<ConfigError>(testing::AllOf(HasSubstr("log-dir = "), HasSubstr("Not a directory"))));
}

TEST(LogDirectory, LeavesOutOfDiagnosticsWhatDoesNotApply) {
  const ScratchDirectory directory;
  {
    LogDirectory log({.directory = directory.path() / "logs", .with_diagnostics = true, .with_csv = true});
    log.write(DiagnosticsRecord{.step = 3, .layer = "fc", .contraction = 0.5, .residue_quantiles = {1, 2}});
  }
  const auto row = nlohmann::json::parse(bytes_of(directory.path() / "logs/diagnostics.jsonl"));
  EXPECT_EQ(row["contraction"], 0.5);
  EXPECT_EQ(row["residue_quantiles"], (std::vector<double>{1, 2}));
  for (const char* absent :
       {"elements_per_bin", "cosine_distance", "hamming_distance", "contraction_bound"}) {
    EXPECT_FALSE(row.contains(absent)) << absent;
  }
  EXPECT_FALSE(std::filesystem::exists(directory.path() / "logs/diagnostics.csv"));  // rows hold lists
}

TEST(LogDirectory, WritesNullForANumberThatJsonCannotHold) {
  EXPECT_TRUE(nlohmann::json::parse(to_json_line(StepRecord{.loss = std::nan("")}))["loss"].is_null());
}

}  // namespace
}  // namespace sterna::record
