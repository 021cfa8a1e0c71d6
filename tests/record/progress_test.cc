#include "runtime/record/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "runtime/core/errors.h"

namespace sterna::record {
namespace {

using testing::HasSubstr;

TEST(Progress, RenewsOneLine) {
  std::ostringstream out;
  Progress progress(out, ProgressMode::kOn, /*total_steps=*/100);
  progress.step({.step = 0, .samples = 64, .loss = 2.5, .accuracy = 0.125, .compression_rate = 80.25});
  EXPECT_THAT(out.str(), testing::StartsWith("\rstep 1/100  loss 2.5000  accuracy 0.125"));
  EXPECT_THAT(out.str(), HasSubstr("rate 80.2x"));  // 80.25 to even
  EXPECT_THAT(out.str(), testing::Not(HasSubstr("\n")));
}

TEST(Progress, SaysNothingBetweenEpochsWhereItIsOff) {
  std::ostringstream out;
  Progress progress(out, ProgressMode::kOff, 100);
  progress.step({.step = 0});
  EXPECT_EQ(out.str(), "");
}

TEST(Progress, SaysNothingEveryStepWhereThereIsNoTerminal) {
  std::ostringstream out;
  Progress progress(out, ProgressMode::kAuto, 100);
  progress.step({.step = 0});
  progress.step({.step = 1});
  EXPECT_EQ(out.str(), "");
}

TEST(Progress, GivesANoteALineUnlessItIsOff) {
  std::ostringstream out;
  Progress on(out, ProgressMode::kOn, 100);
  on.step({.step = 0});
  on.note("buckets: 3");
  EXPECT_THAT(out.str(), testing::EndsWith("\rbuckets: 3\n"));
  std::ostringstream nothing;
  Progress(nothing, ProgressMode::kOff, 100).note("buckets: 3");
  EXPECT_EQ(nothing.str(), "");
}

TEST(Progress, GivesEachEpochALine) {
  std::ostringstream out;
  Progress progress(out, ProgressMode::kOff, 100);
  progress.epoch({.epoch = 2,
                  .step = 1874,
                  .train_loss = 0.5,
                  .train_accuracy = 0.75,
                  .test_loss = 0.25,
                  .test_accuracy = 0.875,
                  .epoch_seconds = 1.5,
                  .wire_bytes_sent = 2500000,
                  .parameter_hash = "00ff"});
  EXPECT_EQ(out.str(),
            "epoch 2, step 1874  train loss 0.5000 accuracy 0.7500  test loss 0.2500 accuracy 0.8750  1.5 s  "
            "sent 2.50 MB  "
            "hash 00ff\n");
}

TEST(Progress, SaysWhyNothingIsSent) {
  std::ostringstream out;
  Progress(out, ProgressMode::kOff, 1).epoch({.epoch_seconds = 1.5, .parameter_hash = "00ff"});
  EXPECT_THAT(out.str(), testing::EndsWith("1.5 s  nothing sent: one rank  hash 00ff\n"));
}

TEST(Progress, AddsPerplexityWhereThereIsOne) {
  std::ostringstream out;
  Progress(out, ProgressMode::kOff, 1).epoch({.perplexity = 12.345});
  EXPECT_THAT(out.str(), HasSubstr("perplexity 12.3"));
}

TEST(Progress, AddsWhatThereIsOfAFieldsOwnMeasures) {
  std::ostringstream out;
  Progress(out, ProgressMode::kOff, 1)
      .epoch({.test_accuracy = 0.5, .test_top5_accuracy = 0.875, .test_bits_per_symbol = 2.0625});
  EXPECT_THAT(out.str(), HasSubstr("accuracy 0.5000 top-5 0.8750  2.062 bits/symbol  "));
}

TEST(Progress, KnowsItsModesByName) {
  EXPECT_EQ(progress_mode("on"), ProgressMode::kOn);
  EXPECT_THROW((void)progress_mode("maybe"), ConfigError);
}

}  // namespace
}  // namespace sterna::record
