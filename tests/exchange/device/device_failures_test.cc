// How failures of the exchange on a GPU end, on three ranks over the stand-in; and what the host waits for.
#include <gmock/gmock.h>

#include <limits>

#include "runtime/collectives/collectives.h"
#include "runtime/core/errors.h"
#include "runtime/exchange/device/device_exchange.h"
#include "tests/exchange/device/device_gradients.h"
#include "tests/exchange/run_exchange.h"
#include "tests/support/cuda/stand_in.h"

namespace sterna::exchange {
namespace {

using cuda_stand_in::Failure;
using std::chrono::milliseconds;
using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr milliseconds kAmple{120'000};
constexpr milliseconds kShort{2000};

class DeviceFailures : public testing::Test {
 protected:
  // All ranks are here, and no memory, stream or communicator is left from what has failed.
  void expect_nothing_left() {
    const cuda_stand_in::Living left = cuda_stand_in::living();
    EXPECT_EQ(left.allocations + left.streams + left.events + left.communicators, 0u);
    EXPECT_THAT(cuda_stand_in::take_mistakes(), testing::IsEmpty());
    collectives::barrier(*control);
  }

  [[nodiscard]] std::uint32_t rank() const { return static_cast<std::uint32_t>(control->rank()); }

  const tensor::ParameterTable table = small_network();
  std::unique_ptr<collectives::Communicator> control = collectives::make_mpi(kAmple);
};

tensor::ParameterTable one_layer(std::size_t elements) {
  tensor::ParameterTable table;
  table.add({.name = "fc", .shape = {elements}, .kind = tensor::ParameterKind::kFullyConnected});
  return table;
}

// One learner's step on this rank, and what becomes of it.
class Step {
 public:
  Step(collectives::Communicator& comm, const tensor::ParameterTable& table, const ExchangeOptions& options)
      : on_device(table, 1), exchange(comm, table, options), arenas_{gradient(table, local().first, 0)} {}

  // What the test's own stream can still do, it does before memory is freed: it may wait for the exchange.
  ~Step() {
    for (int question = 0; question < 100; ++question) (void)cudaStreamQuery(on_device.stream());
  }
  Step(const Step&) = delete;
  Step& operator=(const Step&) = delete;

  [[nodiscard]] const LocalLearners& local() const { return exchange.local_learners(); }
  [[nodiscard]] std::span<float> arena() { return arenas_[0]; }

  void enqueue(std::uint64_t step) {
    on_device.write(arenas_);
    exchange.reduce_to_mean(step, on_device.addresses(), on_device.stream());
  }
  void run(std::uint64_t step) {
    enqueue(step);
    exchange.wait();
  }

  DeviceGradients on_device;
  DeviceGradientExchange exchange;  // is gone before the gradients are

 private:
  std::vector<AlignedVector<float>> arenas_;
};

TEST_F(DeviceFailures, GivesUpAStepThatARankStaysAwayFrom) {
  for (const char* compressor : {"none", "topk", "scalecom"}) {
    SCOPED_TRACE(compressor);
    {
      const auto comm = make_nccl(*control, kShort);
      Step step(*comm, table, options_for(compressor, 3));
      if (rank() != 2) {
        EXPECT_THAT([&] { step.run(0); },
                    ThrowsMessage<CommError>(
                        AllOf(HasSubstr(cat("rank ", rank(), ": after 2000 ms")), HasSubstr("rank 2"))));
      }
      collectives::barrier(*control);
    }
    expect_nothing_left();
  }
}

// The one whose gradient it is ends with the step's error, the others at the time limit, as over MPI.
TEST_F(DeviceFailures, LeavesOthersWaitingForARankThatDiverges) {
  for (const char* compressor : {"topk", "scalecom"}) {
    SCOPED_TRACE(compressor);
    {
      const auto comm = make_nccl(*control, kShort);
      Step step(*comm, table, options_for(compressor, 3));
      if (rank() == 1) {
        step.arena()[table[1].offset] = std::numeric_limits<float>::infinity();
        EXPECT_THAT([&] { step.enqueue(4); },
                    ThrowsMessage<DivergedError>(HasSubstr("step 4, layer conv2.weight, learner 1: ")));
      } else {
        EXPECT_THAT([&] { step.run(4); }, ThrowsMessage<CommError>(HasSubstr("rank 1")));
      }
      collectives::barrier(*control);
    }
    expect_nothing_left();
  }
}

TEST_F(DeviceFailures, SaysWhatNcclSaysOfARemoteError) {
  for (const int operations_later : {0, 5}) {
    {
      const auto comm = make_nccl(*control, kAmple);
      Step step(*comm, table, options_for("adacomp", 3));
      cuda_stand_in::fail_operation(operations_later, Failure::kRemoteError);
      EXPECT_THAT([&] { step.run(0); },
                  ThrowsMessage<CommError>(AllOf(HasSubstr(cat("[nccl] rank ", rank(), ":")),
                                                 HasSubstr("network error (injected by the test)"))));
      EXPECT_THAT([&] { step.run(1); },
                  ThrowsMessage<CommError>(HasSubstr("given up after an earlier error")));
    }
    expect_nothing_left();
  }
}

// While an exception is on its way the exchange does not wait for others.
TEST_F(DeviceFailures, IsDestroyedWhileOthersStayAway) {
  {
    const auto comm = make_nccl(*control, kAmple);
    if (rank() == 0) {
      EXPECT_THROW(
          {
            Step step(*comm, table, options_for("none", 3));
            step.enqueue(0);
            throw 1;
          },
          int);
    }
    collectives::barrier(*control);
  }
  expect_nothing_left();
}

TEST_F(DeviceFailures, RefusesLengthsThatNoEncoderOfThisRankHas) {
  {
    const auto comm = make_nccl(*control, kShort);
    ExchangeOptions options = options_for("topk", 3);
    options.settings.rate = rank() == 1 ? 5 : 10;
    Step step(*comm, table, options);
    if (rank() == 1) {
      EXPECT_THROW(step.run(0), CommError);
    } else {
      // The last layer goes first: 1010 / 5 elements and 10 bits for each index are 202 * 4 + 253 bytes, of
      // which 101 * 4 + 127 are possible here.
      EXPECT_THAT([&] { step.run(0); },
                  ThrowsMessage<WireError>(HasSubstr("from rank 1: a payload has 1061 bytes, at most 531")));
    }
    collectives::barrier(*control);
  }
  expect_nothing_left();
}

// 3 of 30 elements, or of 24: 14 bytes either way, but element 29 is in one of them alone.
TEST_F(DeviceFailures, RefusesPayloadsThatKernelsRefuse) {
  {
    const auto comm = make_nccl(*control, kAmple);
    const tensor::ParameterTable short_layer = one_layer(rank() == 1 ? 30 : 24);
    ExchangeOptions options = options_for("topk", 3);
    options.dense_layers = "";
    Step step(*comm, short_layer, options);
    if (rank() == 1) {
      step.arena()[29] = 1000.0f;
      EXPECT_NO_THROW(step.run(0));
    } else {
      EXPECT_THAT([&] { step.run(0); },
                  ThrowsMessage<WireError>(AllOf(HasSubstr("step 0, layer fc: the payload of learner 1"),
                                                 HasSubstr("none that an encoder writes"))));
    }
    collectives::barrier(*control);
  }
  expect_nothing_left();
}

// The leader's chunks have 10 elements, rank 1's have 8: three offsets and four fit two bytes alike, but an
// offset of 9 lies in no chunk of 8.
TEST_F(DeviceFailures, RefusesIndicesThatKernelsRefuse) {
  {
    const auto comm = make_nccl(*control, kAmple);
    const tensor::ParameterTable short_layer = one_layer(30);
    ExchangeOptions options = options_for("scalecom", 3);
    options.dense_layers = "";
    options.settings.rate = rank() == 1 ? 8 : 10;
    Step step(*comm, short_layer, options);
    step.arena()[9] = 1000.0f;
    if (rank() == 1) {
      EXPECT_THAT(
          [&] { step.run(0); },
          ThrowsMessage<WireError>(HasSubstr("step 0, layer fc: the leader's index section is none")));
    } else {
      EXPECT_NO_THROW(step.run(0));
    }
    collectives::barrier(*control);
  }
  expect_nothing_left();
}

// Streams are lazy here: what is not done was not waited for.
TEST_F(DeviceFailures, ReturnsWithoutWaitingWhereNoLengthIsAwaited) {
  for (const char* compressor : {"none", "fp16", "randomk"}) {
    SCOPED_TRACE(compressor);
    {
      const auto comm = make_nccl(*control, kAmple);
      Step step(*comm, table, options_for(compressor, 3));
      step.run(0);  // rooms grow, which waits
      step.enqueue(1);
      EXPECT_EQ(cudaStreamQuery(step.on_device.stream()), cudaErrorNotReady);
      step.exchange.wait();
    }
    expect_nothing_left();
  }
}

}  // namespace
}  // namespace sterna::exchange
