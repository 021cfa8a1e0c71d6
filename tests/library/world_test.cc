// Without a launcher and without MPI: one process alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <limits>

#include "runtime/collectives/make_communicator.h"
#include "sterna/exchange.h"

namespace sterna {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(World, IsOneRankWhereNoLauncherStartedIt) {
  const World world;
  EXPECT_EQ(world.rank(), 0);
  EXPECT_EQ(world.ranks(), 1);
}

TEST(World, RefusesATimeLimitThatIsOverBeforeItBegins) {
  EXPECT_THAT([] { World world(std::chrono::milliseconds(0)); },
              ThrowsMessage<ConfigError>(HasSubstr("must be more than 0")));
}

TEST(World, EndsItsProcessWithTheStatus) {
  EXPECT_EXIT(World().abort(7), testing::ExitedWithCode(7), "");
}

// Standard output goes where the test reads: to standard error.
TEST(World, WritesWhatIsStillToBeWrittenBeforeItEndsItsProcess) {
  const auto end_with_words_unwritten = [] {
    dup2(STDERR_FILENO, STDOUT_FILENO);
    std::ios::sync_with_stdio(false);  // so that std::cout has a buffer of its own
    const World world;
    std::printf("by C");
    std::cout << "by C++";
    world.abort(7);
  };
  EXPECT_EXIT(end_with_words_unwritten(), testing::ExitedWithCode(7), "by C\\+\\+.*by C");
}

// In a process of its own: MPI lives once.
TEST(World, CannotComeAfterTheEndOfMpi) {
  const auto come_late = [] {
    { const collectives::MpiSession session(nullptr, nullptr); }
    try {
      const World world;
    } catch (const ConfigError& error) {
      std::fputs(error.what(), stderr);
      std::_Exit(5);
    }
    std::_Exit(0);
  };
  EXPECT_EXIT(come_late(), testing::ExitedWithCode(5), "MPI has been finalised in this process");
}

TEST(Exchange, GivesOneLearnerItsOwnGradientBack) {
  World world;
  Exchange exchange(world, {{.name = "w", .elements = 3}});
  std::vector<float> gradient = {1.0f, -2.0f, 0.25f};
  const Sent sent = exchange.reduce_to_mean({gradient});
  EXPECT_THAT(gradient, ElementsAre(1.0f, -2.0f, 0.25f));
  EXPECT_EQ(sent.wire_bytes, 0u);
  EXPECT_EQ(sent.payload_bytes, 12u);
  EXPECT_EQ(sent.dense_bytes, 12u);
  EXPECT_EQ(sent.elements, 3u);
  EXPECT_EQ(exchange.steps(), 1u);
}

TEST(Exchange, GivesEachLocalLearnerTheMeanOfAll) {
  World world;
  Exchange exchange(world, {{.name = "w", .elements = 2}, {.name = "b", .elements = 1}}, {.learners = 2});
  std::vector<float> w0 = {1.0f, 2.0f}, b0 = {3.0f}, w1 = {5.0f, -2.0f}, b1 = {4.0f};
  (void)exchange.reduce_to_mean({w0, b0, w1, b1});
  EXPECT_THAT(w0, ElementsAre(3.0f, 0.0f));
  EXPECT_EQ(w1, w0);
  EXPECT_THAT(b0, ElementsAre(3.5f));
  EXPECT_EQ(b1, b0);
}

TEST(Exchange, SendsDenseWhileCompressionIsOff) {
  World world;
  Exchange exchange(world, {{.name = "w", .elements = 100}}, {.compressor = "topk", .rate = 10});
  std::vector<float> gradient(100, 1.0f);
  exchange.set_compression(false);
  EXPECT_EQ(exchange.reduce_to_mean({gradient}).payload_bytes, 400u);
  exchange.set_compression(true);
  EXPECT_EQ(exchange.reduce_to_mean({gradient}).elements, 10u);
}

// The first convolution, biases and normalisation stay dense; or what the pattern says, and nothing else.
TEST(Exchange, TellsWhichParametersItCompresses) {
  World world;
  const std::vector<Parameter> parameters = {
      {.name = "conv1", .elements = 9, .kind = ParameterKind::kConvolution},
      {.name = "conv2", .elements = 9, .kind = ParameterKind::kConvolution},
      {.name = "norm", .elements = 4, .kind = ParameterKind::kNormalisation},
      {.name = "lstm", .elements = 4, .kind = ParameterKind::kRecurrent},
      {.name = "symbols", .elements = 4, .kind = ParameterKind::kEmbedding},
      {.name = "bias", .elements = 4, .kind = ParameterKind::kBias}};
  const auto compressed = [&](const ExchangeSettings& settings) {
    const Exchange exchange(world, parameters, settings);
    std::vector<bool> all;
    for (std::size_t i = 0; i < parameters.size(); ++i) all.push_back(exchange.is_compressed(i));
    EXPECT_THROW((void)exchange.is_compressed(parameters.size()), ConfigError);
    return all;
  };
  EXPECT_THAT(compressed({.compressor = "adacomp"}), ElementsAre(false, true, false, true, true, false));
  EXPECT_THAT(compressed({.compressor = "adacomp", .dense_layers = "^conv"}),
              ElementsAre(false, false, true, true, true, true));
  EXPECT_THAT(compressed({.compressor = "adacomp", .dense_layers = ""}), testing::Each(true));
}

// What a constructor says of its parameters and settings.
std::string refusal(std::vector<Parameter> parameters, const ExchangeSettings& settings = {}) {
  World world;
  try {
    Exchange(world, std::move(parameters), settings);
  } catch (const AgreedConfigError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Exchange, RefusesParametersThatAreNone) {
  EXPECT_THAT(refusal({}), HasSubstr("parameters = 0: must be in [1, 65535]"));
  EXPECT_THAT(refusal({{.name = "w", .elements = 0}}), HasSubstr("elements of w = 0"));
  EXPECT_THAT(refusal({{.name = "", .elements = 1}}), HasSubstr("name of parameter 0 = \"\""));
  EXPECT_THAT(refusal({{.name = "w", .elements = 1}, {.name = "w", .elements = 2}}),
              HasSubstr("name of parameter 1 = \"w\""));
  EXPECT_THAT(refusal({{.name = "w", .elements = 1, .kind = static_cast<ParameterKind>(9)}}),
              HasSubstr("kind of w = 9"));
}

// Lengths in bytes, and their sums, would wrap. 2^64 - 1, 2^48 + 1; and 2^48 in all with one parameter more.
TEST(Exchange, RefusesMoreElementsThanItCanCount) {
  constexpr std::size_t kMost = std::size_t{1} << 48;
  EXPECT_THAT(refusal({{.name = "w", .elements = static_cast<std::size_t>(-1)}}),
              HasSubstr("elements of w = 18446744073709551615: must be at most 281474976710656, so"));
  EXPECT_THAT(refusal({{.name = "w", .elements = kMost + 1}}), HasSubstr("elements of w = 281474976710657"));
  EXPECT_THAT(refusal({{.name = "v", .elements = kMost - 1}, {.name = "w", .elements = 2}}),
              HasSubstr("elements of w = 2: must be at most 1, so"));
}

// At rate 1 an element takes 4 bytes and its index, and 2^30 of them more than 2^32 bytes.
TEST(Exchange, RefusesAParameterWhosePayloadFitsNoMessage) {
  EXPECT_THAT(refusal({{.name = "v", .elements = 10}, {.name = "w", .elements = std::size_t{1} << 30}},
                      {.compressor = "topk", .rate = 1}),
              testing::AllOf(HasSubstr("elements of w = 1073741824 with compressor = topk"),
                             HasSubstr("more than 4294967295 bytes"), HasSubstr("raise the rate, or split")));
}

TEST(Exchange, RefusesSettingsOutOfRange) {
  const std::vector<Parameter> one = {{.name = "w", .elements = 1}};
  EXPECT_THAT(refusal(one, {.compressor = "gzip"}), HasSubstr("this build has adacomp, bf16"));
  EXPECT_THAT(refusal(one, {.compressor = "topk", .rate = 0.5}), HasSubstr("rate = 0.5"));
  EXPECT_THAT(refusal(one, {.compressor = "adacomp", .bin_fc = 0}), HasSubstr("= 0"));
  EXPECT_THAT(refusal(one, {.compressor = "scalecom", .beta = 2.0}), HasSubstr("beta = 2"));
  EXPECT_THAT(refusal(one, {.gather = Gather::kSparseSum}), HasSubstr("gather = sparse-sum"));
  EXPECT_THAT(refusal(one, {.dense_layers = "(("}), HasSubstr("not a regular expression"));
  EXPECT_THAT(refusal(one, {.learners = 65537}), HasSubstr("learners = 65537"));
  EXPECT_EQ(refusal(one, {.learners = 3}), "accepted");
}

TEST(Exchange, LeavesGradientsOfTheWrongShapeAlone) {
  World world;
  Exchange exchange(world, {{.name = "w", .elements = 2}, {.name = "b", .elements = 1}});
  std::vector<float> w = {1.0f, 2.0f}, b = {3.0f};
  EXPECT_THAT([&] { exchange.reduce_to_mean({w}); },
              ThrowsMessage<ConfigError>(HasSubstr("gradients = 1: must be 2")));
  EXPECT_THAT(
      [&] {
        exchange.reduce_to_mean({b, w});
      },
      ThrowsMessage<ConfigError>(HasSubstr("gradient of w, learner 0 = 1 elements")));
  EXPECT_THAT(w, ElementsAre(1.0f, 2.0f));
  EXPECT_NO_THROW(exchange.reduce_to_mean({w, b}));
}

TEST(Exchange, GoesOnNoMoreAfterAGradientThatIsNotFinite) {
  World world;
  Exchange exchange(world, {{.name = "w", .elements = 2}});
  std::vector<float> gradient = {1.0f, 2.0f};
  (void)exchange.reduce_to_mean({gradient});
  gradient[1] = std::numeric_limits<float>::infinity();
  EXPECT_THAT([&] { exchange.reduce_to_mean({gradient}); },
              ThrowsMessage<DivergedError>(HasSubstr("step 1, layer w, learner 0")));
  gradient[1] = 0.0f;
  EXPECT_THAT([&] { exchange.reduce_to_mean({gradient}); },
              ThrowsMessage<ConfigError>(HasSubstr("step 1: failed before")));
  EXPECT_EQ(exchange.steps(), 1u);
}

}  // namespace
}  // namespace sterna
