#include "runtime/optim/schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "runtime/core/errors.h"

namespace sterna::optim {
namespace {

using testing::HasSubstr;

std::string refusal(std::string_view name, const ScheduleOptions& options) {
  try {
    const Schedule schedule(name, options);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "accepted";
}

class EverySchedule : public testing::TestWithParam<std::string_view> {};

// 0.5 is exact in float32, and so are its quarters.
TEST_P(EverySchedule, RisesToThePeakInItsWarmUp) {
  const Schedule schedule(GetParam(), {.learning_rate = 0.5, .warmup_steps = 4, .total_steps = 100});
  EXPECT_EQ(schedule.learning_rate(0), 0.125f);  // 0.5 / 4
  EXPECT_EQ(schedule.learning_rate(1), 0.25f);
  EXPECT_EQ(schedule.learning_rate(2), 0.375f);
  EXPECT_EQ(schedule.learning_rate(3), 0.5f);  // the last step of the warm-up is at the peak
  EXPECT_EQ(schedule.learning_rate(4), 0.5f);  // and so is the first one after it
}

TEST_P(EverySchedule, StartsAtThePeakWithoutWarmUp) {
  const Schedule schedule(GetParam(), {.learning_rate = 0.5, .warmup_steps = 0, .total_steps = 100});
  EXPECT_EQ(schedule.learning_rate(0), 0.5f);
}

TEST_P(EverySchedule, NeverRisesAfterTheWarmUpAndStaysFinite) {
  const Schedule schedule(GetParam(), {.learning_rate = 0.5, .warmup_steps = 7, .total_steps = 100});
  for (std::uint64_t step = 7; step < 200; ++step) {
    EXPECT_LE(schedule.learning_rate(step), schedule.learning_rate(step - 1)) << "step " << step;
    EXPECT_GE(schedule.learning_rate(step), 0.0f) << "step " << step;
  }
}

TEST_P(EverySchedule, MayWarmUpThroughout) {
  const Schedule schedule(GetParam(), {.learning_rate = 0.5, .warmup_steps = 4, .total_steps = 4});
  EXPECT_EQ(schedule.learning_rate(3), 0.5f);
  EXPECT_TRUE(std::isfinite(schedule.learning_rate(4)));
}

INSTANTIATE_TEST_SUITE_P(Named, EverySchedule, testing::ValuesIn(Schedule::names()),
                         [](const auto& test) { return std::string(test.param); });

TEST(ConstantSchedule, StaysAtThePeak) {
  const Schedule schedule("constant", {.learning_rate = 0.5, .warmup_steps = 0, .total_steps = 100});
  EXPECT_EQ(schedule.learning_rate(99), 0.5f);
  EXPECT_EQ(schedule.learning_rate(1000), 0.5f);
}

// Of 90 steps: 1/3 is 30, 2/3 is 60, 8/9 is 80.
TEST(StepSchedule, DividesByTenAtItsBorders) {
  const Schedule schedule("step", {.learning_rate = 1.0, .warmup_steps = 0, .total_steps = 90});
  EXPECT_EQ(schedule.learning_rate(29), 1.0f);
  EXPECT_EQ(schedule.learning_rate(30), 0.1f);
  EXPECT_EQ(schedule.learning_rate(59), 0.1f);
  EXPECT_EQ(schedule.learning_rate(60), 0.01f);
  EXPECT_EQ(schedule.learning_rate(79), 0.01f);
  EXPECT_EQ(schedule.learning_rate(80), 0.001f);
  EXPECT_EQ(schedule.learning_rate(89), 0.001f);
}

// Of 100 steps, borders lie at 33.3, 66.7 and 88.9: the first steps not below them are 34, 67 and 89.
TEST(StepSchedule, RoundsItsBordersUp) {
  const Schedule schedule("step", {.learning_rate = 1.0, .warmup_steps = 0, .total_steps = 100});
  EXPECT_EQ(schedule.learning_rate(33), 1.0f);
  EXPECT_EQ(schedule.learning_rate(34), 0.1f);
  EXPECT_EQ(schedule.learning_rate(66), 0.1f);
  EXPECT_EQ(schedule.learning_rate(67), 0.01f);
  EXPECT_EQ(schedule.learning_rate(88), 0.01f);
  EXPECT_EQ(schedule.learning_rate(89), 0.001f);
}

// 12 steps after a warm-up of 4: after a third of them half a cosine is at (1 + cos 60 degrees) / 2 = 3/4,
// after half of them at 1/2, after all of them at 0. Double precision rounds cos to within 2^-53, float32 to
// 2^-24.
TEST(CosineSchedule, FollowsHalfACosineToZero) {
  const Schedule schedule("cosine", {.learning_rate = 1.0, .warmup_steps = 4, .total_steps = 16});
  EXPECT_EQ(schedule.learning_rate(4), 1.0f);
  EXPECT_FLOAT_EQ(schedule.learning_rate(8), 0.75f);
  EXPECT_FLOAT_EQ(schedule.learning_rate(10), 0.5f);
  // One step before the end, (1 + cos 165 degrees) / 2 = sin^2(7.5 degrees) = 0.0170371.
  EXPECT_NEAR(schedule.learning_rate(15), 0.0170371f, 5e-8f);
  EXPECT_EQ(schedule.learning_rate(16), 0.0f);
  EXPECT_EQ(schedule.learning_rate(1000), 0.0f);
}

TEST(LinearSchedule, FollowsALineToZero) {
  const Schedule schedule("linear", {.learning_rate = 1.0, .warmup_steps = 4, .total_steps = 12});
  EXPECT_EQ(schedule.learning_rate(4), 1.0f);
  EXPECT_EQ(schedule.learning_rate(5), 0.875f);  // 1 - 1/8
  EXPECT_EQ(schedule.learning_rate(8), 0.5f);
  EXPECT_EQ(schedule.learning_rate(11), 0.125f);  // the last step
  EXPECT_EQ(schedule.learning_rate(12), 0.0f);
  EXPECT_EQ(schedule.learning_rate(1000), 0.0f);
}

TEST(Schedule, RefusesAnUnknownNameAndListsTheKnown) {
  EXPECT_THAT(refusal("cosin", {}),
              HasSubstr("schedule = cosin: no such schedule; this build has constant, "));
}

TEST(Schedule, RefusesALearningRateThatIsNotPositiveAndFinite) {
  for (double rate : {0.0, -0.1, std::numeric_limits<double>::infinity(), std::nan(""), 1e39}) {
    EXPECT_THAT(refusal("constant", {.learning_rate = rate}), HasSubstr("lr = ")) << rate;
  }
}

TEST(Schedule, RefusesZeroSteps) {
  EXPECT_THAT(refusal("constant", {.learning_rate = 0.1, .warmup_steps = 0, .total_steps = 0}),
              HasSubstr("total steps = 0"));
}

TEST(Schedule, RefusesAWarmUpLongerThanTheRun) {
  EXPECT_THAT(refusal("linear", {.learning_rate = 0.1, .warmup_steps = 11, .total_steps = 10}),
              HasSubstr("warmup-steps = 11"));
}

}  // namespace
}  // namespace sterna::optim
