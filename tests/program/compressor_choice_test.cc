// Which trials are made and what is chosen, from step times that the test makes up.
#include "runtime/compressor_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "runtime/collectives/make_communicator.h"
#include "runtime/core/errors.h"

namespace sterna {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

// LeNet: the first convolution and the biases stay dense.
constexpr const char* kDense = "none none none none none none none none";
constexpr const char* kFloat16 = "none none fp16 none fp16 none fp16 none";
constexpr const char* kTopk = "none none topk none topk none topk none";

TrainConfig automatic() {
  TrainConfig config;
  config.model = "lenet";
  config.data = "synthetic";
  config.compressor = kAutoCompressor;
  config.auto_compressor = "topk";
  config.batch = 1;
  config.steps = 100;
  return config;
}

// Seconds of a step, by what the gradients travel by and the step.
using StepSeconds = std::function<double(const std::string& methods, std::uint64_t step)>;

struct Followed {
  std::vector<std::uint64_t> steps;  // from which on something else holds
  std::vector<std::string> reasons, methods, notes;
};

Followed follow(const TrainConfig& config, const StepSeconds& step_seconds, std::uint64_t steps) {
  Followed of_rank_0;
  collectives::run_on_threads(2, [&](collectives::Communicator& comm) {
    Run run = make_run(config, comm);
    CompressorChoice choice(run, {});
    Followed followed;
    const auto add = [&](const std::optional<CompressorChoice::Change>& change) {
      if (!change) return;
      followed.steps.push_back(change->record.step);
      followed.reasons.push_back(change->record.reason);
      followed.methods.push_back(change->record.methods);
      followed.notes.push_back(change->note.value_or(""));
    };
    add(choice.begin());
    for (std::uint64_t step = 0; step < steps; ++step) {
      record::StepRecord record;
      record.step = step;
      // The slower rank decides.
      record.step_seconds = step_seconds(followed.methods.back(), step) * (comm.rank() == 1 ? 1.0 : 0.5);
      add(choice.after_step(record));
    }
    if (comm.rank() == 0) of_rank_0 = followed;
  });
  return of_rank_0;
}

double slow_link(const std::string& methods, std::uint64_t) {
  return methods == kDense ? 0.3 : methods == kFloat16 ? 0.16 : 0.1;
}

TEST(CompressorChoice, TriesEachMethodAndKeepsTheFastest) {
  // Two steps to settle and five to watch; dense takes more than twice the best and is given up after two.
  const Followed followed = follow(automatic(), slow_link, 30);
  EXPECT_THAT(followed.methods, ElementsAre(kTopk, kFloat16, kDense, kTopk));
  EXPECT_THAT(followed.steps, ElementsAre(0, 7, 14, 16));
  EXPECT_THAT(followed.reasons, ElementsAre("trial", "trial", "trial", "chosen"));
  EXPECT_THAT(followed.notes.back(),
              HasSubstr("compressor: topk, of none 300 ms, fp16 160 ms, topk 100 ms a step"));
}

TEST(CompressorChoice, PrefersWhatKeepsMoreOfTheGradientWhereTimesAreNearlyEqual) {
  const auto fast_link = [](const std::string& methods, std::uint64_t) {
    return methods == kDense ? 0.102 : 0.1;
  };
  EXPECT_EQ(follow(automatic(), fast_link, 100).methods.back(), kDense);
}

TEST(CompressorChoice, TriesAgainWhatIsNearTheBest) {
  // topk is the fastest, but its first trial falls into slow steps. Three trials of seven steps, of which
  // two settle; then both that are near the best twice more, in turn, seven steps each.
  const auto slow_start = [](const std::string& methods, std::uint64_t step) {
    const double seconds = methods == kDense ? 0.14 : methods == kFloat16 ? 0.11 : 0.1;
    return step < 7 ? 1.2 * seconds : seconds;
  };
  const Followed followed = follow(automatic(), slow_start, 60);
  EXPECT_THAT(followed.methods,
              ElementsAre(kTopk, kFloat16, kDense, kTopk, kFloat16, kTopk, kFloat16, kTopk));
  EXPECT_THAT(followed.steps, ElementsAre(0, 7, 14, 21, 28, 35, 42, 49));
  EXPECT_EQ(followed.reasons.back(), "chosen");
  EXPECT_THAT(followed.notes.back(), HasSubstr("none 140 ms, fp16 110 ms, topk 100 ms a step"));
}

TEST(CompressorChoice, BeginsAgainWhenStepsChange) {
  const auto link_that_recovers = [](const std::string& methods, std::uint64_t step) {
    return step < 60 ? slow_link(methods, step) : 0.05;
  };
  const Followed followed = follow(automatic(), link_that_recovers, 150);
  ASSERT_EQ(followed.reasons.size(), 14u);  // four, then all three are near the best and tried three times
  EXPECT_EQ(followed.reasons[3], "chosen");
  EXPECT_EQ(followed.reasons.back(), "chosen");
  EXPECT_EQ(followed.steps[4], 76u);  // chosen at 16; steps 16 to 35 are the measure, 36 to 55 are like them
  EXPECT_THAT(followed.notes[4], HasSubstr("steps take 50 ms, no longer 100 ms; measuring again"));
  EXPECT_EQ(followed.methods.back(), kDense);
}

TEST(CompressorChoice, LooksLessOftenWhereItWasNoise) {
  // A machine that is twice as fast in every second hundred steps, whatever travels.
  const auto noise = [](const std::string& methods, std::uint64_t step) {
    return slow_link(methods, step) * (step / 100 % 2 == 0 ? 1.0 : 0.5);
  };
  const Followed followed = follow(automatic(), noise, 600);
  std::vector<std::uint64_t> chosen;
  for (std::size_t i = 0; i < followed.steps.size(); ++i) {
    if (followed.reasons[i] != "chosen") continue;
    chosen.push_back(followed.steps[i]);
    EXPECT_EQ(followed.methods[i], kTopk);
  }
  // Chosen at 16; of steps 96 to 115 most are faster, and trials take 16 steps. By forties from 132 on, 212
  // to 251 are slower; by eighties from 268 on, 428 to 507.
  EXPECT_THAT(chosen, ElementsAre(16, 132, 268, 524));
}

TEST(CompressorChoice, BeginsWhereCompressionBegins) {
  TrainConfig config = automatic();
  config.batch = 1024;  // 8192 samples, two learners: four steps an epoch
  config.compress_after_epochs = 2;
  EXPECT_THAT(follow(config, slow_link, 30).steps, ElementsAre(0, 15, 22, 24));
}

TEST(CompressorChoice, IsNoneOnOneRank) {
  const auto comm = collectives::make_single();
  sterna::Run run = make_run(automatic(), *comm);
  CompressorChoice choice(run, {});
  const auto change = choice.begin();
  ASSERT_TRUE(change);
  EXPECT_EQ(change->record.methods, kDense);
  EXPECT_EQ(change->note, "compressor: none, for one rank has nobody to send to");
  EXPECT_FALSE(choice.after_step({}));
}

TEST(CompressorChoice, DoesNothingUnlessItIsAskedTo) {
  TrainConfig config = automatic();
  config.compressor = "topk";
  const auto comm = collectives::make_single();
  sterna::Run run = make_run(config, *comm);
  EXPECT_FALSE(CompressorChoice(run, {}).begin());
}

TEST(Choices, AreReadAsTheLogHasThem) {
  const std::string text = R"({"step":0,"reason":"trial","methods":"none topk"})"
                           "\n"
                           R"({"step":7,"reason":"chosen","methods":"none fp16"})"
                           "\n";
  const PlannedMethods planned = parse_choices(text, "topk", 2);
  ASSERT_EQ(planned.size(), 2u);
  EXPECT_THAT(planned.at(0), ElementsAre(exchange::Method::kDense, exchange::Method::kConfigured));
  EXPECT_THAT(planned.at(7), ElementsAre(exchange::Method::kDense, exchange::Method::kFloat16));
}

TEST(Choices, ThatAreNoneAreRefused) {
  const auto refused = [](const std::string& text, const std::string& why) {
    EXPECT_THAT([&] { (void)parse_choices(text, "topk", 2); }, ThrowsMessage<ConfigError>(HasSubstr(why)));
  };
  refused("", "says nothing of step 0");
  refused("{\"step\":3,\"methods\":\"none none\"}\n", "says nothing of step 0");
  refused("no json\n", "line 1: must be an object with step and methods");
  refused("{\"step\":-1,\"methods\":\"none none\"}\n", "line 1: must be");
  refused("{\"step\":0,\"methods\":\"none none\"}\n[]\n", "line 2: must be");
  refused("{\"step\":0,\"methods\":\"none\"}\n", "methods of 1 parameters: this model has 2");
}

}  // namespace
}  // namespace sterna
