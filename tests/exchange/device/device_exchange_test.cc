// The exchange on a GPU gives the bits of the CPU's: means, residues, payload bytes, and what each byte that
// is sent is. On as many ranks as mpirun starts, over NCCL here and MPI there.
#include "runtime/exchange/device/device_exchange.h"

#include <gmock/gmock.h>

#include <bit>
#include <cmath>
#include <limits>

#include "runtime/core/errors.h"
#include "tests/exchange/device/device_gradients.h"
#include "tests/exchange/run_exchange.h"

namespace sterna::exchange {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

std::vector<std::uint32_t> bits_of(std::span<const float> values) {
  std::vector<std::uint32_t> bits;
  for (float value : values) bits.push_back(std::bit_cast<std::uint32_t>(value));
  return bits;
}

// Both exchanges, with the same gradients.
class Pair {
 public:
  Pair(const ExchangeOptions& options, std::size_t bucket_bytes)
      : cpu_(*mpi_, table_, options),
        gpu_(*nccl_, table_, options, bucket_bytes),
        buckets_(bucket::plan_buckets(table_, bucket_bytes)),
        mean_(table_.arena_elements(), 0.0f),
        on_device_(table_, gpu_.local_learners().count) {}

  void set_compression(bool is_on) {
    cpu_.set_compression(is_on);
    gpu_.set_compression(is_on);
  }

  // Enqueues a step of the GPU's after the copy of its gradients, makes one of the CPU's, and compares.
  //   scale  multiplies every gradient
  void step(std::uint64_t step, float scale = 1.0f) {
    SCOPED_TRACE(testing::Message() << "step " << step << ", rank " << mpi_->rank());
    std::vector<AlignedVector<float>> gradients = gradients_of(step);
    for (AlignedVector<float>& arena : gradients) {
      for (float& value : arena) value *= scale;
    }
    on_device_.write(gradients);
    const WireBytes gpu_sent = gpu_.reduce_to_mean(step, on_device_.addresses(), on_device_.stream());
    const std::vector<AlignedVector<float>> means = on_device_.read();
    WireBytes cpu_sent;
    for (const auto& bucket : buckets_) cpu_sent += cpu_.reduce_to_mean(bucket, step, gradients, mean_).sent;
    for (const AlignedVector<float>& mean : means) EXPECT_EQ(bits_of(mean), bits_of(mean_));
    EXPECT_EQ(gpu_sent.values, cpu_sent.values);
    EXPECT_EQ(gpu_sent.indices, cpu_sent.indices);
    compare_traffic();
  }

  // Enqueues steps that nobody waits for in between, and compares them then.
  void steps_in_a_row(std::uint64_t steps) {
    std::vector<std::unique_ptr<DeviceGradients>> on_device;
    for (std::uint64_t step = 0; step < steps; ++step) {
      on_device.push_back(std::make_unique<DeviceGradients>(table_, gpu_.local_learners().count));
      on_device.back()->write(gradients_of(step));
      gpu_.reduce_to_mean(step, on_device.back()->addresses(), on_device.back()->stream());
    }
    gpu_.wait();
    for (std::uint64_t step = 0; step < steps; ++step) {
      for (const auto& bucket : buckets_) cpu_.reduce_to_mean(bucket, step, gradients_of(step), mean_);
      EXPECT_EQ(bits_of(on_device[step]->read().front()), bits_of(mean_)) << "step " << step;
    }
  }

  void compare_residues() {
    gpu_.wait();
    for (std::uint32_t l = 0; l < cpu_.local_learners().count; ++l) {
      EXPECT_EQ(bits_of(values_of(gpu_.residue(l))), bits_of(cpu_.residue(l))) << "learner " << l;
    }
  }

 private:
  [[nodiscard]] std::vector<AlignedVector<float>> gradients_of(std::uint64_t step) const {
    const LocalLearners local = cpu_.local_learners();
    std::vector<AlignedVector<float>> gradients;
    for (std::uint32_t l = 0; l < local.count; ++l) {
      gradients.push_back(gradient(table_, local.first + l, step));
    }
    return gradients;
  }

  void compare_traffic() {
    for (std::size_t p = 0; p < table_.size(); ++p) {
      EXPECT_EQ(gpu_.traffic(p).payload_bytes, cpu_.traffic(p).payload_bytes) << table_[p].name;
      EXPECT_EQ(gpu_.traffic(p).elements_sent, cpu_.traffic(p).elements_sent) << table_[p].name;
    }
  }

  const tensor::ParameterTable table_ = small_network();
  std::unique_ptr<collectives::Communicator> mpi_ = collectives::make_mpi();
  std::unique_ptr<collectives::Communicator> nccl_ = collectives::make_nccl(*mpi_);
  GradientExchange cpu_;
  DeviceGradientExchange gpu_;
  std::vector<bucket::GradientBucket> buckets_;
  AlignedVector<float> mean_;
  DeviceGradients on_device_;
};

std::uint32_t ranks() {
  static const auto ranks = static_cast<std::uint32_t>(collectives::make_mpi()->ranks());
  return ranks;
}

constexpr std::size_t kOneBucket = 1u << 20;
constexpr std::size_t kBucketForEachLayer = 4;

void expect_same_bits(const ExchangeOptions& options, std::size_t bucket_bytes, std::uint64_t steps) {
  Pair pair(options, bucket_bytes);
  for (std::uint64_t step = 0; step < steps; ++step) pair.step(step);
  pair.compare_residues();
}

class EveryCompressorOnDevice : public testing::TestWithParam<std::string> {};

TEST_P(EveryCompressorOnDevice, GivesTheBitsOfTheCpusExchange) {
  expect_same_bits(options_for(GetParam(), ranks()), kOneBucket, /*steps=*/4);
}

// Three learners on one rank: what is left of the tree over learners is no power of two.
TEST_P(EveryCompressorOnDevice, GivesThemWithSeveralLearnersOnARank) {
  expect_same_bits(options_for(GetParam(), ranks() == 1 ? 3 : 2 * ranks()), kBucketForEachLayer, /*steps=*/3);
}

TEST_P(EveryCompressorOnDevice, GivesThemWhereCompressionBeginsLater) {
  Pair pair(options_for(GetParam(), ranks()), kOneBucket);
  for (std::uint64_t step = 0; step < 4; ++step) {
    pair.set_compression(step == 1 || step == 3);
    pair.step(step);
  }
  pair.compare_residues();
}

// Where nothing is chosen, nothing is sent but lengths; and then something again.
TEST_P(EveryCompressorOnDevice, GivesThemWhereGradientsAreZero) {
  Pair pair(options_for(GetParam(), ranks()), kOneBucket);
  pair.step(0, /*scale=*/0.0f);
  pair.step(1);
  pair.compare_residues();
}

// What a step leaves in pinned memory must have gone before the next one writes there.
TEST_P(EveryCompressorOnDevice, TakesOneStepAfterTheOtherWithoutAWait) {
  Pair pair(options_for(GetParam(), ranks()), kOneBucket);
  pair.steps_in_a_row(3);
  pair.compare_residues();
}

// What() of the error that a call ends with.
template <typename Error, typename Call>
std::string error_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

// One learner of each rank has such a gradient, so that no rank waits for another. What has no lengths to
// wait for is refused when the step is done.
TEST_P(EveryCompressorOnDevice, RefusesWhatIsNotFiniteInTheCpusWords) {
  const tensor::ParameterTable table = small_network();
  const ExchangeOptions options = options_for(GetParam(), 2 * ranks());
  const auto buckets = bucket::plan_buckets(table, kOneBucket);
  for (const float value : {std::numeric_limits<float>::infinity(), std::nanf("")}) {
    const auto mpi = collectives::make_mpi();
    const auto nccl = collectives::make_nccl(*mpi);
    GradientExchange cpu(*mpi, table, options);
    DeviceGradientExchange gpu(*nccl, table, options);
    const LocalLearners local = cpu.local_learners();
    std::vector<AlignedVector<float>> gradients;
    for (std::uint32_t l = 0; l < 2; ++l) gradients.push_back(gradient(table, local.first + l, 7));
    gradients[1][table[2].offset + 999] = value;
    AlignedVector<float> mean(table.arena_elements(), 0.0f);
    const std::string expected =
        error_of<DivergedError>([&] { cpu.reduce_to_mean(buckets[0], 7, gradients, mean); });
    EXPECT_THAT(expected, HasSubstr("step 7, layer fc.weight, learner "));

    DeviceGradients on_device(table, 2);
    on_device.write(gradients);
    EXPECT_EQ(error_of<DivergedError>([&] {
                gpu.reduce_to_mean(7, on_device.addresses(), on_device.stream());
                gpu.wait();
              }),
              expected);
  }
}

INSTANTIATE_TEST_SUITE_P(Registered, EveryCompressorOnDevice, testing::ValuesIn([] {
                           std::vector<std::string> names;
                           for (const auto& entry : compressors::compressor_table())
                             names.emplace_back(entry.name);
                           return names;
                         }()),
                         [](const auto& test) { return test.param; });

TEST(DeviceExchange, GivesTheBitsOfExactSelection) {
  ExchangeOptions options = options_for("scalecom", 2 * ranks());
  options.settings.selection = compressors::Selection::kExact;
  options.settings.beta = 0.3f;
  expect_same_bits(options, kOneBucket, /*steps=*/3);
}

TEST(DeviceExchange, GivesTheBitsOfALeaderThatStays) {
  ExchangeOptions options = options_for("scalecom", ranks());
  options.is_leader_first = true;
  expect_same_bits(options, kOneBucket, /*steps=*/3);
}

TEST(DeviceExchange, GivesTheBitsWhereNoLayerStaysDense) {
  ExchangeOptions options = options_for("adacomp", ranks());
  options.dense_layers = "";
  expect_same_bits(options, kOneBucket, /*steps=*/3);
}

// NCCL's own order is not MPI's, but two addends have one sum.
TEST(DeviceExchange, SumsInAnyOrder) {
  if (ranks() > 2) return;
  ExchangeOptions options = options_for("fp16", ranks());
  options.sum_in_any_order = true;
  expect_same_bits(options, kOneBucket, /*steps=*/2);
}

TEST(DeviceExchange, RefusesWhatWorksInTheHostsMemoryAlone) {
  const tensor::ParameterTable table = small_network();
  const auto mpi = collectives::make_mpi();
  const auto nccl = collectives::make_nccl(*mpi);
  ExchangeOptions options = options_for("topk", ranks());
  options.gather = Gather::kSparseSum;
  EXPECT_THAT([&] { DeviceGradientExchange(*nccl, table, options); },
              ThrowsMessage<ConfigError>(HasSubstr("gather = sparse-sum on a GPU: must be all")));
  options.gather = Gather::kAll;
  options.hierarchy = Hierarchy::kHost;
  EXPECT_THAT([&] { DeviceGradientExchange(*nccl, table, options); },
              ThrowsMessage<ConfigError>(HasSubstr("hierarchy = host on a GPU: must be auto or flat")));
}

}  // namespace
}  // namespace sterna::exchange
