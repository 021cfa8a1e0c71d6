// The installed interface against what it stands for: the exchange of `sterna train`, bit for bit. MPI is
// running already, as in a program that uses it itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <mpi.h>

#include <chrono>
#include <memory>
#include <numeric>
#include <thread>

#include "runtime/bucket/bucket.h"
#include "runtime/collectives/collectives.h"
#include "runtime/collectives/hosts.h"
#include "runtime/collectives/make_communicator.h"
#include "runtime/core/errors.h"
#include "runtime/core/rng.h"
#include "runtime/exchange/exchange.h"
#include "sterna/exchange.h"

namespace sterna {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr std::uint64_t kSteps = 6;
constexpr std::uint32_t kLearners = 4;

// Each kind once, lengths that fill no bin and no cache line; the first convolution stays dense.
const std::vector<Parameter> kParameters = {
    {.name = "conv1.weight", .elements = 36, .kind = ParameterKind::kConvolution},
    {.name = "conv2.weight", .elements = 288, .kind = ParameterKind::kConvolution},
    {.name = "bn.weight", .elements = 8, .kind = ParameterKind::kNormalisation},
    {.name = "lstm.weight", .elements = 1001, .kind = ParameterKind::kRecurrent},
    {.name = "symbols", .elements = 77, .kind = ParameterKind::kEmbedding},
    {.name = "fc.weight", .elements = 1010, .kind = ParameterKind::kFullyConnected},
    {.name = "fc.bias", .elements = 10, .kind = ParameterKind::kBias}};

tensor::ParameterTable internal_table() {
  using enum tensor::ParameterKind;
  tensor::ParameterTable table;
  table.add({.name = "conv1.weight", .shape = {4, 1, 3, 3}, .kind = kConvolution});
  table.add({.name = "conv2.weight", .shape = {8, 4, 3, 3}, .kind = kConvolution});
  table.add({.name = "bn.weight", .shape = {8}, .kind = kNormalisation});
  table.add({.name = "lstm.weight", .shape = {13, 77}, .kind = kRecurrent});
  table.add({.name = "symbols", .shape = {11, 7}, .kind = kEmbedding});
  table.add({.name = "fc.weight", .shape = {10, 101}, .kind = kFullyConnected});
  table.add({.name = "fc.bias", .shape = {10}, .kind = kBias});
  return table;
}

std::vector<float> gradient(std::size_t parameter, std::uint32_t learner, std::uint64_t step) {
  const RandomKey key{.learner = learner,
                      .step = static_cast<std::uint32_t>(step),
                      .layer = static_cast<std::uint16_t>(parameter)};
  std::vector<float> values(kParameters[parameter].elements);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = random_normal(key, i);
  return values;
}

struct Step {
  std::vector<std::vector<float>> mean;  // by parameter
  std::uint64_t wire_bytes = 0;
  std::uint64_t payload_bytes = 0;
  std::uint64_t elements = 0;

  bool operator==(const Step&) const = default;
};

std::vector<Step> through_the_interface(const ExchangeSettings& settings) {
  World world;
  Exchange exchange(world, kParameters, settings);
  std::vector<Step> steps;
  for (std::uint64_t step = 0; step < kSteps; ++step) {
    std::vector<std::vector<float>> gradients;
    for (std::uint32_t local = 0; local < exchange.local_learners(); ++local) {
      for (std::size_t p = 0; p < kParameters.size(); ++p) {
        gradients.push_back(gradient(p, exchange.first_learner() + local, step));
      }
    }
    const std::vector<std::span<float>> spans(gradients.begin(), gradients.end());
    const Sent sent = exchange.reduce_to_mean(spans);
    for (std::size_t i = kParameters.size(); i < gradients.size(); ++i) {
      EXPECT_EQ(gradients[i], gradients[i % kParameters.size()]) << "every learner's is the mean";
    }
    gradients.resize(kParameters.size());
    steps.push_back({gradients, sent.wire_bytes, sent.payload_bytes, sent.elements});
  }
  return steps;
}

// As run.cc, train_step.cc and step_meter.cc do.
std::vector<Step> through_the_exchange(const exchange::ExchangeOptions& options) {
  const auto comm = collectives::make_mpi();
  (void)collectives::learn_hosts(*comm);
  const tensor::ParameterTable table = internal_table();
  exchange::GradientExchange exchange(*comm, table, options);
  const auto buckets = bucket::plan_buckets(table, 4u << 20);
  const exchange::LocalLearners local = exchange.local_learners();
  AlignedVector<float> mean(table.arena_elements(), 0.0f);
  std::vector<Step> steps;
  for (std::uint64_t step = 0; step < kSteps; ++step) {
    std::vector<AlignedVector<float>> arenas(local.count, AlignedVector<float>(table.arena_elements(), 0.0f));
    for (std::uint32_t l = 0; l < local.count; ++l) {
      for (std::size_t p = 0; p < table.size(); ++p) {
        std::ranges::copy(gradient(p, local.first + l, step),
                          table.slice(std::span<float>(arenas[l]), p).begin());
      }
    }
    Step result;
    for (const auto& bucket : buckets) {
      result.wire_bytes += exchange.reduce_to_mean(bucket, step, arenas, mean).sent.total();
    }
    for (std::size_t p = 0; p < table.size(); ++p) {
      const std::span<const float> slice = table.slice(std::span<const float>(mean), p);
      result.mean.emplace_back(slice.begin(), slice.end());
      const exchange::LayerTraffic& traffic = exchange.traffic(p);
      result.payload_bytes +=
          std::accumulate(traffic.payload_bytes.begin(), traffic.payload_bytes.end(), std::uint64_t{0});
      result.elements += traffic.elements_sent;
    }
    result.payload_bytes = (result.payload_bytes + options.learners - 1) / options.learners;
    steps.push_back(result);
  }
  return steps;
}

struct Case {
  std::string name;
  ExchangeSettings settings;
};

class Interface : public testing::TestWithParam<Case> {};

TEST_P(Interface, GivesTheBitsAndBytesOfTraining) {
  ExchangeSettings settings = GetParam().settings;
  settings.learners = kLearners;
  exchange::ExchangeOptions options;
  options.compressor = settings.compressor;
  options.settings = {.rate = settings.rate,
                      .bin_conv = settings.bin_conv,
                      .bin_fc = settings.bin_fc,
                      .selection = settings.selection == Selection::kExact ? compressors::Selection::kExact
                                                                           : compressors::Selection::kChunk,
                      .beta = static_cast<float>(settings.beta),
                      .threshold = static_cast<float>(settings.threshold),
                      .seed = settings.seed};
  options.dense_layers = settings.dense_layers.value_or(exchange::kDefaultDenseLayers);
  options.learners = kLearners;
  options.sum_in_any_order = settings.sum_order == SumOrder::kAny;
  if (settings.gather == Gather::kSparseSum) options.gather = exchange::Gather::kSparseSum;
  if (settings.hierarchy == Hierarchy::kHost) options.hierarchy = exchange::Hierarchy::kHost;

  const std::vector<Step> ours = through_the_interface(settings);
  const std::vector<Step> wanted = through_the_exchange(options);
  for (std::uint64_t step = 0; step < kSteps; ++step) EXPECT_EQ(ours[step], wanted[step]) << "step " << step;
}

INSTANTIATE_TEST_SUITE_P(
    Settings, Interface,
    testing::Values(Case{"none", {}}, Case{"any_order", {.sum_order = SumOrder::kAny}},
                    Case{"topk_on_hosts", {.compressor = "topk", .rate = 10, .hierarchy = Hierarchy::kHost}},
                    Case{"fp16", {.compressor = "fp16"}},
                    Case{"strom", {.compressor = "strom", .threshold = 0.5}},
                    Case{"randomk", {.compressor = "randomk", .rate = 10, .seed = 9}},
                    Case{"bf16", {.compressor = "bf16"}}, Case{"topk", {.compressor = "topk", .rate = 10}},
                    Case{"topk_sparse_sum", {.compressor = "topk", .rate = 10, .gather = Gather::kSparseSum}},
                    Case{"adacomp", {.compressor = "adacomp", .bin_conv = 20, .bin_fc = 100}},
                    Case{"adacomp_everywhere", {.compressor = "adacomp", .dense_layers = ""}},
                    Case{"scalecom", {.compressor = "scalecom", .rate = 10, .beta = 0.5}},
                    Case{"scalecom_exact",
                         {.compressor = "scalecom", .rate = 10, .selection = Selection::kExact, .seed = 3}}),
    [](const auto& test) { return test.param.name; });

TEST(World, TakesTheRanksOfMpiThatIsRunning) {
  const World world;
  const auto comm = collectives::make_mpi();
  EXPECT_EQ(world.rank(), comm->rank());
  EXPECT_EQ(world.ranks(), comm->ranks());
}

TEST(World, LeavesTheErrorHandlerOfTheProgram) {
  const auto handler = [] {
    MPI_Errhandler current = MPI_ERRHANDLER_NULL;
    EXPECT_EQ(MPI_Comm_get_errhandler(MPI_COMM_WORLD, &current), MPI_SUCCESS);
    const bool ends_the_job = current == MPI_ERRORS_ARE_FATAL;
    EXPECT_EQ(MPI_Errhandler_free(&current), MPI_SUCCESS);
    return ends_the_job ? "ends the job" : "another";
  };
  EXPECT_STREQ(handler(), "ends the job") << "MPI's own choice, by the session of this test";
  const World world;
  EXPECT_STREQ(handler(), "ends the job");
}

// The last rank comes late enough that the others must wait for it.
TEST(World, WaitsForOtherRanksWithTheLongestOfTimeLimits) {
  World world(std::chrono::milliseconds::max());
  Exchange exchange(world, kParameters);
  std::vector<std::vector<float>> gradients;
  for (const Parameter& parameter : kParameters) gradients.emplace_back(parameter.elements, 1.0f);
  const std::vector<std::span<float>> spans(gradients.begin(), gradients.end());
  if (world.rank() > 0) std::this_thread::sleep_for(std::chrono::milliseconds(200));
  EXPECT_NO_THROW(exchange.reduce_to_mean(spans));
}

// Rank 0 gives up before rank 1 comes, and its exchange is gone by then. A gradient of 8 MB does not travel
// with its envelope, but is read when the other rank asks for it. The address sanitizer would tell of memory
// that was freed.
TEST(Exchange, KeepsWhatALateRankMayStillReadAndWrite) {
  const auto control = collectives::make_mpi();
  if (control->ranks() == 1) return;
  constexpr std::size_t kElements = 2'000'000;
  std::vector<float> gradient(kElements, 1.0f);
  {
    World world(std::chrono::milliseconds(2000));
    auto exchange =
        std::make_unique<Exchange>(world, std::vector<Parameter>{{.name = "w", .elements = kElements}});
    if (control->rank() == 1) collectives::barrier(*control);
    EXPECT_THROW(exchange->reduce_to_mean({gradient}), CommError);
    EXPECT_EQ(gradient, std::vector<float>(kElements, 1.0f));
    EXPECT_THAT([&] { exchange->reduce_to_mean({gradient}); },
                ThrowsMessage<ConfigError>(HasSubstr("failed before")));
    exchange.reset();
    if (control->rank() == 0) collectives::barrier(*control);
  }
  collectives::barrier(*control);
}

TEST(Exchange, HasALearnerOnEachRankUnlessToldOtherwise) {
  World world;
  const Exchange exchange(world, kParameters);
  EXPECT_EQ(exchange.learners(), static_cast<std::uint32_t>(world.ranks()));
  EXPECT_EQ(exchange.local_learners(), 1u);
  EXPECT_EQ(exchange.first_learner(), static_cast<std::uint32_t>(world.rank()));
}

// What is wrong on one rank alone is said on all, so that none is left waiting.
TEST(Exchange, RefusesOnEveryRankWhatIsWrongOnOne) {
  World world;
  const bool is_last = world.rank() == world.ranks() - 1;
  EXPECT_THAT([&] { Exchange(world, kParameters, {.compressor = is_last ? "gzip" : "none"}); },
              ThrowsMessage<AgreedConfigError>(HasSubstr("gzip")));
}

// A loop of one's own has settings, and no flags.
TEST(Exchange, RefusesLearnersByTheNameOfTheSetting) {
  World world;
  const auto ranks = static_cast<std::uint32_t>(world.ranks());
  if (ranks == 1) return;  // hosts any number
  EXPECT_THAT([&] { Exchange(world, kParameters, {.learners = ranks + 1}); },
              ThrowsMessage<AgreedConfigError>(
                  AllOf(HasSubstr("[exchange] learners = 3 on 2 ranks"), HasSubstr("try learners = 4"))));
}

TEST(Exchange, NamesTheRankThatHasOtherSettingsOrParameters) {
  World world;
  if (world.ranks() == 1) return;  // nobody to differ from
  const bool is_odd = world.rank() == 1;
  EXPECT_THAT([&] { Exchange(world, kParameters, {.rate = is_odd ? 50.0 : 100.0}); },
              ThrowsMessage<AgreedConfigError>(HasSubstr("rate = 100 on rank 0, rate = 50 on rank 1")));
  std::vector<Parameter> parameters = kParameters;
  if (is_odd) parameters[2].elements = 9;
  EXPECT_THAT([&] { Exchange(world, parameters); },
              ThrowsMessage<AgreedConfigError>(
                  HasSubstr("parameter bn.weight = 9 elements, normalisation on rank 1")));
  if (is_odd) parameters.pop_back();
  EXPECT_THAT([&] { Exchange(world, parameters); },
              ThrowsMessage<AgreedConfigError>(HasSubstr("parameters = 6 on rank 1")));
}

}  // namespace
}  // namespace sterna
