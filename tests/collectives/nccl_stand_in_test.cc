// The stand-in for NCCL, on two ranks: each mistake that it is there to catch.
#include <gmock/gmock.h>
#include <mpi.h>
#include <nccl.h>

#include <cstring>
#include <vector>

#include "runtime/collectives/collectives.h"
#include "runtime/collectives/make_communicator.h"
#include "tests/support/cuda/stand_in.h"

namespace sterna::cuda_stand_in {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::size_t kBytes = 64;

class NcclStandIn : public testing::Test {
 protected:
  NcclStandIn() {
    EXPECT_EQ(cudaMalloc(&memory, kBytes), cudaSuccess);
    EXPECT_EQ(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
    make(/*is_blocking=*/true);
  }
  // Aborted, for most tests leave it unusable; what the stream still has ends with it.
  ~NcclStandIn() override {
    if (comm != nullptr) {
      EXPECT_EQ(ncclCommAbort(comm), ncclSuccess);
    }
    EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
    EXPECT_EQ(cudaStreamDestroy(stream), cudaSuccess);
    EXPECT_EQ(cudaFree(memory), cudaSuccess);
    EXPECT_THAT(take_mistakes(), IsEmpty());
    barrier(*control);
  }

  void make(bool is_blocking) {
    ncclUniqueId id{};
    if (control->rank() == 0) {
      EXPECT_EQ(ncclGetUniqueId(&id), ncclSuccess);
    }
    broadcast(*control, 0, std::as_writable_bytes(std::span(&id, 1)));
    ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
    config.blocking = is_blocking ? 1 : 0;
    const ncclResult_t code = ncclCommInitRankConfig(&comm, 2, id, control->rank(), &config);
    EXPECT_EQ(code, is_blocking ? ncclSuccess : ncclInProgress);
  }
  void make_again(bool is_blocking) {
    EXPECT_EQ(ncclCommAbort(comm), ncclSuccess);
    make(is_blocking);
  }

  [[nodiscard]] int peer() const { return 1 - control->rank(); }
  [[nodiscard]] ncclResult_t state() {
    ncclResult_t now = ncclSuccess;
    EXPECT_EQ(ncclCommGetAsyncError(comm, &now), ncclSuccess);
    return now;
  }
  ncclResult_t send(const void* from, std::size_t count, ncclDataType_t type = ncclUint8) {
    return ncclSend(from, count, type, peer(), comm, stream);
  }
  ncclResult_t receive(void* to, std::size_t count, ncclDataType_t type = ncclUint8) {
    return ncclRecv(to, count, type, peer(), comm, stream);
  }
  // Rank 0 sends, rank 1 receives, each what it is given.
  void send_and_receive(std::size_t sent, std::size_t received, ncclDataType_t receives = ncclUint8) {
    ASSERT_EQ(ncclGroupStart(), ncclSuccess);
    if (control->rank() == 0) {
      EXPECT_EQ(send(memory, sent), ncclSuccess);
    } else {
      EXPECT_EQ(receive(memory, received, receives), ncclSuccess);
    }
    ASSERT_EQ(ncclGroupEnd(), ncclSuccess);
  }
  // What a receiver that looks at its communicator sees, sooner or later.
  void ask_until_error() {
    while (state() == ncclSuccess) (void)cudaStreamQuery(stream);
  }

  std::unique_ptr<collectives::Communicator> control = collectives::make_mpi();
  ncclComm_t comm = nullptr;
  void* memory = nullptr;
  cudaStream_t stream = nullptr;
};

TEST_F(NcclStandIn, MovesBytesAndSums) {
  const float one = 1.0f;
  ASSERT_EQ(cudaMemcpy(memory, &one, sizeof one, cudaMemcpyHostToDevice), cudaSuccess);
  ASSERT_EQ(ncclAllReduce(memory, memory, 1, ncclFloat32, ncclSum, comm, stream), ncclSuccess);
  send_and_receive(4, 4);
  ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  float sum = 0.0f;
  ASSERT_EQ(cudaMemcpy(&sum, memory, sizeof sum, cudaMemcpyDeviceToHost), cudaSuccess);
  EXPECT_EQ(sum, 2.0f);
}

TEST_F(NcclStandIn, RefusesMemoryOfTheHost) {
  std::vector<float> host(4);
  ASSERT_EQ(ncclGroupStart(), ncclSuccess);
  EXPECT_EQ(send(host.data(), 4), ncclInvalidArgument);
  EXPECT_EQ(receive(host.data(), 4), ncclInvalidArgument);
  ASSERT_EQ(ncclGroupEnd(), ncclSuccess);
  EXPECT_EQ(ncclAllReduce(memory, host.data(), 4, ncclFloat32, ncclSum, comm, stream), ncclInvalidArgument);
  EXPECT_THAT(take_mistakes(), Each(HasSubstr("not in the device's memory")));
}

TEST_F(NcclStandIn, RefusesBytesPastTheEnd) {
  ASSERT_EQ(ncclGroupStart(), ncclSuccess);
  EXPECT_EQ(send(memory, kBytes + 1), ncclInvalidArgument);
  ASSERT_EQ(ncclGroupEnd(), ncclSuccess);
  EXPECT_EQ(take_mistakes().size(), 1u);
}

TEST_F(NcclStandIn, RefusesSendsAndReceivesOutsideAGroup) {
  EXPECT_EQ(send(memory, 1), ncclInvalidUsage);
  EXPECT_EQ(receive(memory, 1), ncclInvalidUsage);
  EXPECT_THAT(take_mistakes(), Each(HasSubstr("outside a group")));
}

TEST_F(NcclStandIn, RefusesNothingAndPeersThatAreNotThere) {
  ASSERT_EQ(ncclGroupStart(), ncclSuccess);
  EXPECT_EQ(send(memory, 0), ncclInvalidArgument);
  EXPECT_EQ(ncclSend(memory, 1, ncclUint8, 2, comm, stream), ncclInvalidArgument);
  ASSERT_EQ(ncclGroupEnd(), ncclSuccess);
  EXPECT_EQ(take_mistakes().size(), 2u);
}

TEST_F(NcclStandIn, RefusesTheEndOfAGroupThatHasNotBegun) {
  EXPECT_EQ(ncclGroupEnd(), ncclInvalidUsage);
  EXPECT_THAT(take_mistakes(), ElementsAre(HasSubstr("no group has begun")));
}

// Nothing runs before the outermost group ends.
TEST_F(NcclStandIn, CountsGroupsWithinGroups) {
  ASSERT_EQ(ncclGroupStart(), ncclSuccess);
  send_and_receive(4, 4);
  EXPECT_EQ(cudaStreamQuery(stream), cudaSuccess);
  ASSERT_EQ(ncclGroupEnd(), ncclSuccess);
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
}

TEST_F(NcclStandIn, SeesThatTwoRanksDifferInCount) {
  send_and_receive(8, 7);
  if (control->rank() == 0) {
    ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
    return;
  }
  ask_until_error();
  EXPECT_EQ(state(), ncclInvalidUsage);
  EXPECT_THAT(take_mistakes(), ElementsAre(HasSubstr("rank 0 sends 8 elements")));
}

TEST_F(NcclStandIn, SeesThatTwoRanksDifferInType) {
  send_and_receive(8, 8, ncclFloat32);
  if (control->rank() == 0) {
    ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
    return;
  }
  ask_until_error();
  EXPECT_THAT(take_mistakes(), ElementsAre(HasSubstr("of type")));
}

TEST_F(NcclStandIn, SeesThatRanksDifferInASum) {
  const std::size_t count = control->rank() == 0 ? 3 : 4;
  ASSERT_EQ(ncclAllReduce(memory, memory, count, ncclFloat32, ncclSum, comm, stream), ncclSuccess);
  ask_until_error();
  EXPECT_EQ(state(), ncclInvalidUsage);
  EXPECT_THAT(take_mistakes(), ElementsAre(HasSubstr("ranks differ in count")));
}

// No buffer hides that the peer does not receive.
TEST_F(NcclStandIn, KeepsASendWaitingForItsReceive) {
  if (control->rank() == 0) {
    ASSERT_EQ(ncclGroupStart(), ncclSuccess);
    EXPECT_EQ(send(memory, 1), ncclSuccess);
    ASSERT_EQ(ncclGroupEnd(), ncclSuccess);
    for (int question = 0; question < 1000; ++question) EXPECT_EQ(cudaStreamQuery(stream), cudaErrorNotReady);
  }
  barrier(*control);
}

TEST_F(NcclStandIn, RefusesRanksWithDifferentIds) {
  EXPECT_EQ(ncclCommAbort(comm), ncclSuccess);
  ncclUniqueId id{};
  ASSERT_EQ(ncclGetUniqueId(&id), ncclSuccess);  // each rank its own
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  config.blocking = 1;
  EXPECT_EQ(ncclCommInitRankConfig(&comm, 2, id, control->rank(), &config), ncclInvalidArgument);
  EXPECT_THAT(take_mistakes(), ElementsAre(HasSubstr("different unique ids")));
}

TEST_F(NcclStandIn, RefusesCallsOnACommunicatorThatIsInProgress) {
  make_again(/*is_blocking=*/false);
  EXPECT_EQ(ncclAllReduce(memory, memory, 1, ncclFloat32, ncclSum, comm, stream), ncclInvalidUsage);
  EXPECT_THAT(take_mistakes(), ElementsAre(HasSubstr("in progress")));
  while (state() == ncclInProgress) continue;
  EXPECT_EQ(state(), ncclSuccess);
}

// Who records an event while a group is in progress waits for what was before it.
TEST_F(NcclStandIn, PutsAGroupIntoTheStreamWhenItIsNoLongerInProgress) {
  make_again(/*is_blocking=*/false);
  while (state() == ncclInProgress) continue;
  EXPECT_EQ(ncclAllReduce(memory, memory, 1, ncclFloat32, ncclSum, comm, stream), ncclInProgress);
  EXPECT_EQ(cudaStreamQuery(stream), cudaSuccess);  // there is nothing in it yet
  while (state() == ncclInProgress) continue;
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
}

TEST_F(NcclStandIn, RefusesToDestroyWhatIsNotFinalised) {
  EXPECT_EQ(ncclCommDestroy(comm), ncclInvalidUsage);
  EXPECT_THAT(take_mistakes(), ElementsAre(HasSubstr("before ncclCommFinalize")));
  ASSERT_EQ(ncclCommFinalize(comm), ncclSuccess);
  EXPECT_EQ(ncclCommFinalize(comm), ncclInvalidUsage);
  EXPECT_THAT(take_mistakes(), ElementsAre(HasSubstr("has been finalised")));
  EXPECT_EQ(ncclCommDestroy(comm), ncclSuccess);
  comm = nullptr;
}

TEST_F(NcclStandIn, FinalisesWhenAllWorkIsDone) {
  send_and_receive(4, 4);
  ASSERT_EQ(ncclCommFinalize(comm), ncclSuccess);
  EXPECT_EQ(cudaStreamQuery(stream), cudaSuccess);
  EXPECT_EQ(ncclCommDestroy(comm), ncclSuccess);
  comm = nullptr;
}

TEST_F(NcclStandIn, FailsTheOperationThatATestHasChosen) {
  fail_operation(1, Failure::kRemoteError);
  ASSERT_EQ(ncclAllReduce(memory, memory, 1, ncclFloat32, ncclSum, comm, stream), ncclSuccess);
  ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_EQ(state(), ncclSuccess);
  ASSERT_EQ(ncclAllReduce(memory, memory, 1, ncclFloat32, ncclSum, comm, stream), ncclSuccess);
  EXPECT_EQ(cudaStreamQuery(stream), cudaErrorNotReady);
  EXPECT_EQ(state(), ncclRemoteError);
}

TEST_F(NcclStandIn, AbortsWhatNeverCompletes) {
  fail_operation(0, Failure::kNeverCompletes);
  ASSERT_EQ(ncclAllReduce(memory, memory, 1, ncclFloat32, ncclSum, comm, stream), ncclSuccess);
  for (int question = 0; question < 100; ++question) EXPECT_EQ(cudaStreamQuery(stream), cudaErrorNotReady);
  EXPECT_EQ(state(), ncclSuccess);
  EXPECT_EQ(ncclCommAbort(comm), ncclSuccess);
  comm = nullptr;
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
}

}  // namespace
}  // namespace sterna::cuda_stand_in
