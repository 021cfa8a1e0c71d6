// How failures over NCCL end, on three ranks over the stand-in. Every test makes communicators of its own:
// one whose wait has failed is good for nothing more.
#include <gmock/gmock.h>

#include <thread>

#include "runtime/collectives/collectives.h"
#include "runtime/core/errors.h"
#include "tests/collectives/communicator_contract.h"
#include "tests/support/cuda/stand_in.h"

namespace sterna::collectives {
namespace {

using cuda_stand_in::Failure;
using std::chrono::milliseconds;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::ThrowsMessage;

constexpr milliseconds kAmple{120'000};
constexpr milliseconds kShort{2000};

class NcclFailures : public testing::Test {
 protected:
  std::unique_ptr<Communicator> control = make_mpi(kAmple);

  // All ranks are here, and no communicator or memory of the device is left from what has failed.
  void expect_nothing_left() {
    const cuda_stand_in::Living left = cuda_stand_in::living();
    EXPECT_EQ(left.allocations, 0u);
    EXPECT_EQ(left.streams, 0u);
    EXPECT_EQ(left.events, 0u);
    EXPECT_EQ(left.communicators, 0u);
    barrier(*control);
  }
};

// Every rank's block to the next one.
std::unique_ptr<Transfer> start_ring(Communicator& comm, std::span<const std::byte> mine,
                                     std::span<std::byte> other) {
  const SendBlock send{(comm.rank() + 1) % comm.ranks(), mine};
  const ReceiveBlock receive{(comm.rank() + comm.ranks() - 1) % comm.ranks(), other};
  return comm.start(std::span(&send, 1), std::span(&receive, 1));
}

// Rank 0 awaits ranks 1 and 2, of which only rank 1 sends: it is in a group with the other one.
TEST_F(NcclFailures, GivesUpAtTheTimeLimitAndNamesWhoIsAwaited) {
  {
    const auto comm = make_nccl(*control, kShort);
    std::vector<std::byte> first(5), second(6);
    if (comm->rank() == 1) send_block(*comm, 0, first);
    if (comm->rank() == 0) {
      const std::vector<ReceiveBlock> receives = {{1, first}, {2, second}};
      EXPECT_THAT([&] { comm->start({}, receives)->wait(); },
                  ThrowsMessage<CommError>(
                      AllOf(HasSubstr("rank 0: after 2000 ms"), HasSubstr("6 bytes from rank 2"))));
      EXPECT_THAT([&] { comm->start({}, {})->wait(); },
                  ThrowsMessage<CommError>(HasSubstr("given up after an earlier error")));
    }
    barrier(*control);
  }
  expect_nothing_left();
}

TEST_F(NcclFailures, GivesUpASumThatARankStaysAwayFrom) {
  {
    const auto comm = make_nccl(*control, kShort);
    std::vector<float> values(8);
    if (comm->rank() != 2) {
      EXPECT_THAT([&] { comm->vendor_sum(values); },
                  ThrowsMessage<CommError>(AllOf(HasSubstr(cat("rank ", comm->rank(), ": after 2000 ms")),
                                                 HasSubstr("the sum of 32 bytes over all ranks"))));
    }
    barrier(*control);
  }
  expect_nothing_left();
}

// The real NCCL does not look at lengths: there a block of another length meets the time limit at best.
TEST_F(NcclFailures, EndsWhereABlockHasAnotherLength) {
  {
    const auto comm = make_nccl(*control, kShort);
    std::vector<std::byte> block(comm->rank() == 1 ? 7 : 8);
    if (comm->rank() == 1) send_block(*comm, 0, block);
    if (comm->rank() == 0) {
      EXPECT_THAT([&] { receive_block(*comm, 1, block); },
                  ThrowsMessage<CommError>(AllOf(HasSubstr("[nccl] rank 0:"), HasSubstr("invalid usage"),
                                                 HasSubstr("rank 1 sends 7 elements"))));
      EXPECT_EQ(cuda_stand_in::take_mistakes().size(), 1u);
    }
    barrier(*control);
  }
  expect_nothing_left();
}

TEST_F(NcclFailures, SaysWhatNcclSaysOfARemoteError) {
  {
    const auto comm = make_nccl(*control, kAmple);
    std::vector<std::byte> mine(100), other(100);
    cuda_stand_in::fail_operation(1, Failure::kRemoteError);
    EXPECT_THAT([&] { start_ring(*comm, mine, other)->wait(); },
                ThrowsMessage<CommError>(AllOf(HasSubstr(cat("[nccl] rank ", comm->rank(), ":")),
                                               HasSubstr("network error (injected by the test)"),
                                               HasSubstr("under way: 100 bytes from rank "))));
  }
  expect_nothing_left();
}

TEST_F(NcclFailures, GivesUpAnOperationThatNeverEnds) {
  {
    const auto comm = make_nccl(*control, kShort);
    std::vector<std::byte> mine(100), other(100);
    cuda_stand_in::fail_operation(0, Failure::kNeverCompletes);
    EXPECT_THAT([&] { start_ring(*comm, mine, other)->wait(); },
                ThrowsMessage<CommError>(HasSubstr("after 2000 ms still awaited: 100 bytes from rank ")));
  }
  expect_nothing_left();
}

TEST_F(NcclFailures, GivesUpACommunicatorThatNeverComesIntoBeing) {
  cuda_stand_in::set_creation_hangs(true);
  EXPECT_THAT([&] { (void)make_nccl(*control, kShort); },
              ThrowsMessage<CommError>(AllOf(HasSubstr(cat("rank ", control->rank(), ": after 2000 ms")),
                                             HasSubstr("ncclCommInitRankConfig"))));
  cuda_stand_in::set_creation_hangs(false);
  expect_nothing_left();
}

TEST_F(NcclFailures, EndsTheWaitOfARankThatGivesUp) {
  {
    const auto comm = make_nccl(*control, kAmple);
    std::vector<std::byte> never_sent(10);
    const ReceiveBlock receive{(comm->rank() + 1) % comm->ranks(), never_sent};
    const auto transfer = comm->start({}, std::span(&receive, 1));
    std::thread other([&] { comm->abandon(); });
    EXPECT_THAT([&] { transfer->wait(); }, ThrowsMessage<CommError>(HasSubstr("an error of its own")));
    other.join();
  }
  expect_nothing_left();
}

// Over blocks of the device a collective returns when it is enqueued: who settles learns what has not come.
TEST_F(NcclFailures, NamesBlocksOfTheDeviceThatNobodyHasWaitedFor) {
  void* memory = nullptr;
  {
    const auto comm = make_nccl(*control, kShort);
    ASSERT_EQ(cudaMalloc(&memory, 300), cudaSuccess);
    const std::span<std::byte> all(static_cast<std::byte*>(memory), 300);
    const std::span<std::byte> mine = all.subspan(100 * static_cast<std::size_t>(comm->rank()), 100);
    if (comm->rank() != 2) {
      EXPECT_NO_THROW(all_gather(*comm, mine, all));
      EXPECT_THAT([&] { comm->memory_of(memory).settle(); },
                  ThrowsMessage<CommError>(
                      AllOf(HasSubstr(cat("rank ", comm->rank(), ": after 2000 ms still awaited: ")),
                            HasSubstr("100 bytes from rank 2"), HasSubstr("100 bytes to rank 2"))));
    }
    barrier(*control);
  }
  EXPECT_EQ(cudaFree(memory), cudaSuccess);
  expect_nothing_left();
}

TEST_F(NcclFailures, SaysWhatNcclSaysOfBlocksThatNobodyHasWaitedFor) {
  void* memory = nullptr;
  {
    const auto comm = make_nccl(*control, kAmple);
    ASSERT_EQ(cudaMalloc(&memory, 12), cudaSuccess);
    const std::span<float> values(static_cast<float*>(memory), 3);
    cuda_stand_in::fail_operation(0, Failure::kRemoteError);
    comm->vendor_sum(values);
    EXPECT_THAT([&] { comm->memory_of(memory).settle(); },
                ThrowsMessage<CommError>(AllOf(HasSubstr("network error (injected by the test)"),
                                               HasSubstr("the sum of 12 bytes over all ranks"))));
  }
  EXPECT_EQ(cudaFree(memory), cudaSuccess);
  expect_nothing_left();
}

// The device must not write to a block that is gone, nor to the communicators made afterwards.
TEST_F(NcclFailures, DropsATransferThatIsUnderWay) {
  {
    const auto dropped = make_nccl(*control, kAmple);
    std::vector<std::byte> never_sent(1000);
    const ReceiveBlock receive{(dropped->rank() + 1) % dropped->ranks(), never_sent};
    (void)dropped->start({}, std::span(&receive, 1));
  }
  expect_nothing_left();
  {
    const auto comm = make_nccl(*control, kAmple);
    std::vector<std::byte> ranks(ranks_of(*comm));
    const auto mine = static_cast<std::byte>(comm->rank());
    all_gather(*comm, std::span(&mine, 1), ranks);
    EXPECT_EQ(ranks, (std::vector{std::byte{0}, std::byte{1}, std::byte{2}}));
  }
  expect_nothing_left();
}

// A thread begins on device 0, whichever its rank's is.
TEST_F(NcclFailures, LetsAnotherThreadExchange) {
  {
    const auto comm = make_nccl(*control, kAmple);
    std::vector<float> values(1000, 1.0f);
    std::thread exchange([&] { comm->vendor_sum(values); });
    exchange.join();
    EXPECT_EQ(values, std::vector<float>(1000, 3.0f));
  }
  expect_nothing_left();
}

TEST_F(NcclFailures, LetsBlocksLeaveBeforeTheCommunicatorEnds) {
  std::vector<std::byte> block(100'000, static_cast<std::byte>(control->rank()));
  {
    const auto comm = make_nccl(*control, kAmple);
    if (comm->rank() == 0) {
      send_block(*comm, 1, block);
    } else if (comm->rank() == 1) {
      receive_block(*comm, 0, block);
    }
  }
  if (control->rank() == 1) {
    EXPECT_EQ(block, std::vector<std::byte>(100'000, std::byte{0}));
  }
  expect_nothing_left();
}

// Rank 1 alone has none, and an old driver; all ranks end with its reason.
TEST_F(NcclFailures, RefusesARankWithoutAGpuOnEveryRank) {
  if (control->rank() == 1) cuda_stand_in::set_devices(0, cudaErrorInsufficientDriver);
  EXPECT_THAT([&] { (void)make_nccl(*control, kAmple); },
              ThrowsMessage<AgreedConfigError>(AllOf(HasSubstr("transport = nccl: no GPU can be used"),
                                                     HasSubstr("cudaErrorInsufficientDriver"),
                                                     HasSubstr("(on rank 1)"))));
  cuda_stand_in::set_devices(8);
  expect_nothing_left();
}

TEST_F(NcclFailures, RefusesRanksThatWouldShareAGpu) {
  cuda_stand_in::set_devices(2);
  EXPECT_THAT([&] { (void)make_nccl(*control, kAmple); },
              ThrowsMessage<AgreedConfigError>(HasSubstr("ranks 0 and 2 share GPU 0000:00:00.0 of host ")));
  cuda_stand_in::set_devices(8);
  expect_nothing_left();
}

TEST_F(NcclFailures, MakesNoMistakesOnTheWay) {
  EXPECT_THAT(cuda_stand_in::take_mistakes(), IsEmpty());
}

}  // namespace
}  // namespace sterna::collectives
