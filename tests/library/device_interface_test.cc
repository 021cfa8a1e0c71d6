// The interface for gradients in a GPU's memory against the one for the host's, bit for bit, over the
// stand-in.
#include <cuda_runtime_api.h>
#include <gmock/gmock.h>

#include <array>
#include <bit>
#include <limits>

#include "runtime/collectives/make_communicator.h"
#include "runtime/core/errors.h"
#include "runtime/core/rng.h"
#include "sterna/device_exchange.h"
#include "tests/support/cuda/stand_in.h"

namespace sterna {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

// The first convolution and the bias stay dense.
const std::vector<Parameter> kParameters = {
    {.name = "conv1.weight", .elements = 36, .kind = ParameterKind::kConvolution},
    {.name = "fc.weight", .elements = 1010, .kind = ParameterKind::kFullyConnected},
    {.name = "fc.bias", .elements = 10, .kind = ParameterKind::kBias}};

using Gradients = std::vector<std::vector<float>>;  // learner by learner, parameter by parameter

Gradients gradients_of(std::uint32_t first_learner, std::uint32_t learners, std::uint32_t step) {
  Gradients gradients;
  for (std::uint32_t learner = first_learner; learner < first_learner + learners; ++learner) {
    for (std::size_t p = 0; p < kParameters.size(); ++p) {
      std::vector<float>& values = gradients.emplace_back(kParameters[p].elements);
      const RandomKey key{.learner = learner, .step = step, .layer = static_cast<std::uint16_t>(p)};
      for (std::size_t i = 0; i < values.size(); ++i) values[i] = random_normal(key, i);
    }
  }
  return gradients;
}

std::vector<std::span<float>> spans_of(Gradients& gradients) {
  return {gradients.begin(), gradients.end()};
}

// Gradients in a GPU's memory. The calling thread's current device is that GPU while they live.
class OnDevice {
 public:
  OnDevice(int device, Gradients gradients) : gradients_(std::move(gradients)) {
    EXPECT_EQ(cudaGetDevice(&device_before_), cudaSuccess);
    EXPECT_EQ(cudaSetDevice(device), cudaSuccess);
    EXPECT_EQ(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), cudaSuccess);
    for (std::vector<float>& values : gradients_) {
      void* address = nullptr;
      EXPECT_EQ(cudaMalloc(&address, values.size() * sizeof(float)), cudaSuccess);
      EXPECT_EQ(cudaMemcpy(address, values.data(), values.size() * sizeof(float), cudaMemcpyHostToDevice),
                cudaSuccess);
      spans_.emplace_back(static_cast<float*>(address), values.size());
    }
  }
  ~OnDevice() {
    EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    for (std::span<float> span : spans_) EXPECT_EQ(cudaFree(span.data()), cudaSuccess);
    EXPECT_EQ(cudaStreamDestroy(stream_), cudaSuccess);
    EXPECT_EQ(cudaSetDevice(device_before_), cudaSuccess);
  }
  OnDevice(const OnDevice&) = delete;
  OnDevice& operator=(const OnDevice&) = delete;

  [[nodiscard]] std::vector<std::span<float>> spans() const { return spans_; }
  [[nodiscard]] cudaStream_t stream() const { return stream_; }

  [[nodiscard]] Gradients read() {
    EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    for (std::size_t i = 0; i < spans_.size(); ++i) {
      EXPECT_EQ(
          cudaMemcpy(gradients_[i].data(), spans_[i].data(), spans_[i].size_bytes(), cudaMemcpyDeviceToHost),
          cudaSuccess);
    }
    return gradients_;
  }

 private:
  int device_before_ = 0;
  Gradients gradients_;
  cudaStream_t stream_ = nullptr;
  std::vector<std::span<float>> spans_;
};

std::vector<std::uint32_t> bits_of(const Gradients& gradients) {
  std::vector<std::uint32_t> bits;
  for (const auto& values : gradients) {
    for (float value : values) bits.push_back(std::bit_cast<std::uint32_t>(value));
  }
  return bits;
}

class DeviceInterface : public testing::Test {
 protected:
  ~DeviceInterface() override {
    EXPECT_THAT(cuda_stand_in::take_mistakes(), testing::IsEmpty());
    const cuda_stand_in::Living left = cuda_stand_in::living();
    EXPECT_EQ(left.allocations + left.streams + left.events + left.communicators, 0u);
  }

  World world;
};

class EachMethod : public DeviceInterface, public testing::WithParamInterface<std::string> {};

TEST_P(EachMethod, GivesTheBitsAndPayloadsOfTheHostsInterface) {
  const ExchangeSettings settings{
      .compressor = GetParam(), .rate = 10, .learners = 2 * static_cast<std::uint32_t>(world.ranks())};
  Exchange host(world, kParameters, settings);
  DeviceExchange device(world, kParameters, settings);
  EXPECT_EQ(device.learners(), host.learners());
  EXPECT_EQ(device.local_learners(), host.local_learners());
  EXPECT_EQ(device.first_learner(), host.first_learner());
  for (std::uint32_t step = 0; step < 4; ++step) {
    host.set_compression(step != 1);
    device.set_compression(step != 1);
    Gradients gradients = gradients_of(host.first_learner(), host.local_learners(), step);
    OnDevice on_device(device.device(), gradients);
    // Now and then the default stream, and a wait of the interface's own.
    const Sent there = device.reduce_to_mean(on_device.spans(), step == 2 ? nullptr : on_device.stream());
    if (step == 2) device.wait();
    const Gradients mean = on_device.read();
    const Sent here = host.reduce_to_mean(spans_of(gradients));
    EXPECT_EQ(bits_of(mean), bits_of(gradients)) << "step " << step;
    EXPECT_EQ(there.payload_bytes, here.payload_bytes);
    EXPECT_EQ(there.dense_bytes, here.dense_bytes);
    EXPECT_EQ(there.elements, here.elements);
    EXPECT_EQ(there.wire_bytes > 0, world.ranks() > 1);
    if (GetParam() == "none") {
      EXPECT_EQ(there.wire_bytes, here.wire_bytes);
      EXPECT_EQ(there.wire_bytes_received, here.wire_bytes_received);
    }
  }
  EXPECT_EQ(device.steps(), 4u);
  for (std::size_t p = 0; p < kParameters.size(); ++p) {
    EXPECT_EQ(device.is_compressed(p), host.is_compressed(p));
  }
}

INSTANTIATE_TEST_SUITE_P(Device, EachMethod,
                         testing::Values("none", "fp16", "topk", "adacomp", "scalecom", "randomk"),
                         [](const auto& test) { return test.param; });

TEST_F(DeviceInterface, LeavesTheCallersCurrentDevice) {
  const auto expect_still_7 = [] {
    int current = -1;
    EXPECT_EQ(cudaGetDevice(&current), cudaSuccess);
    EXPECT_EQ(current, 7);
  };
  {
    DeviceExchange exchange(world, kParameters, {}, /*device=*/world.rank() + 2);
    EXPECT_EQ(exchange.device(), world.rank() + 2);
    int current = -1;
    EXPECT_EQ(cudaGetDevice(&current), cudaSuccess);
    EXPECT_EQ(current, exchange.device());
    ASSERT_EQ(cudaSetDevice(7), cudaSuccess);
    {
      OnDevice on_device(exchange.device(), gradients_of(0, 1, 0));
      ASSERT_EQ(cudaSetDevice(7), cudaSuccess);
      exchange.reduce_to_mean(on_device.spans(), on_device.stream());
      exchange.wait();
      expect_still_7();
      ASSERT_EQ(cudaSetDevice(exchange.device()), cudaSuccess);
    }
    expect_still_7();
  }
  expect_still_7();
  ASSERT_EQ(cudaSetDevice(0), cudaSuccess);
}

TEST_F(DeviceInterface, RefusesGradientsThatLieElsewhere) {
  DeviceExchange exchange(world, kParameters, {}, /*device=*/world.rank());
  Gradients gradients = gradients_of(0, 1, 0);
  EXPECT_THAT([&] { exchange.reduce_to_mean(spans_of(gradients), nullptr); },
              ThrowsMessage<ConfigError>(AllOf(
                  HasSubstr(cat("gradient of conv1.weight, learner ", world.rank(),
                                ": must lie in the memory of GPU ", world.rank(), ", not in the host's")),
                  HasSubstr("sterna::Exchange takes the host's"))));
  {
    OnDevice elsewhere(/*device=*/5, gradients);
    EXPECT_THAT([&] { exchange.reduce_to_mean(elsewhere.spans(), nullptr); },
                ThrowsMessage<ConfigError>(HasSubstr("not in that of GPU 5")));
  }
  OnDevice on_device(world.rank(), gradients);
  std::vector<std::span<float>> too_few = on_device.spans();
  too_few.pop_back();
  EXPECT_THAT([&] { exchange.reduce_to_mean(too_few, nullptr); },
              ThrowsMessage<ConfigError>(HasSubstr("gradients = 2: must be 3")));
  // Nothing has been sent: ranks are still in step.
  EXPECT_NO_THROW(exchange.reduce_to_mean(on_device.spans(), on_device.stream()));
  EXPECT_NO_THROW(exchange.wait());
}

TEST_F(DeviceInterface, RefusesCallsAfterAGradientThatIsNotFinite) {
  for (const char* compressor : {"none", "adacomp"}) {
    DeviceExchange exchange(world, kParameters, {.compressor = compressor});
    Gradients gradients = gradients_of(0, 1, 0);
    gradients[1][500] = std::numeric_limits<float>::infinity();
    OnDevice on_device(exchange.device(), gradients);
    EXPECT_THAT(
        [&] {
          exchange.reduce_to_mean(on_device.spans(), on_device.stream());
          exchange.wait();
        },
        ThrowsMessage<DivergedError>(HasSubstr(cat("step 0, layer fc.weight, learner ", world.rank()))));
    EXPECT_THAT([&] { exchange.reduce_to_mean(on_device.spans(), on_device.stream()); },
                ThrowsMessage<ConfigError>(HasSubstr("failed before")));
    EXPECT_THAT([&] { exchange.wait(); }, ThrowsMessage<ConfigError>(HasSubstr("failed before")));
  }
}

TEST_F(DeviceInterface, SaysWhyThereIsNoGpu) {
  cuda_stand_in::set_devices(0, cudaErrorInsufficientDriver);
  EXPECT_THAT([&] { DeviceExchange(world, kParameters); },
              ThrowsMessage<AgreedConfigError>(
                  AllOf(HasSubstr("gradients in a GPU's memory: no GPU can be used"),
                        HasSubstr("cudaErrorInsufficientDriver"), HasSubstr("hand sterna::Exchange"))));
  cuda_stand_in::set_devices(8);
  EXPECT_THAT([&] { DeviceExchange(world, kParameters, {}, /*device=*/8); },
              ThrowsMessage<AgreedConfigError>(HasSubstr("device = 8: must be in [0, 8)")));
  if (world.ranks() == 1) return;
  EXPECT_THAT([&] { DeviceExchange(world, kParameters, {}, /*device=*/3); },
              ThrowsMessage<AgreedConfigError>(HasSubstr("ranks 0 and 1 share GPU")));
}

TEST_F(DeviceInterface, RefusesSettingsOnEveryRank) {
  EXPECT_THAT([&] { DeviceExchange(world, kParameters, {.compressor = "gzip"}); },
              ThrowsMessage<AgreedConfigError>(HasSubstr("gzip")));
  EXPECT_THAT(
      [&] { DeviceExchange(world, kParameters, {.compressor = "topk", .gather = Gather::kSparseSum}); },
      ThrowsMessage<AgreedConfigError>(HasSubstr("gather = sparse-sum on a GPU: must be all")));
  // Dense, too: kernels count in 32 bits.
  EXPECT_THAT([&] { DeviceExchange(world, {{.name = "w", .elements = (std::size_t{1} << 31) + 1}}); },
              ThrowsMessage<AgreedConfigError>(HasSubstr("2147483649: must be at most 2147483648")));
  EXPECT_THAT(
      [&] {
        DeviceExchange(world, {{.name = "w", .elements = std::size_t{1} << 30}},
                       {.compressor = "topk", .rate = 1});
      },
      ThrowsMessage<AgreedConfigError>(HasSubstr("message of its bucket may have more than 4294967295")));
  DeviceExchange exchange(world, kParameters);
  EXPECT_THAT([&] { (void)exchange.is_compressed(3); }, ThrowsMessage<ConfigError>(HasSubstr("below 3")));
}

TEST_F(DeviceInterface, RefusesRanksWhoseGradientsLieElsewhere) {
  if (world.ranks() == 1) return;
  const auto make = [&] {
    if (world.rank() == 0) Exchange(world, kParameters);
    if (world.rank() != 0) DeviceExchange(world, kParameters);
  };
  EXPECT_THAT(make,
              ThrowsMessage<AgreedConfigError>(AllOf(HasSubstr("gradients"), HasSubstr("in GPUs' memory"))));
}

}  // namespace
}  // namespace sterna
