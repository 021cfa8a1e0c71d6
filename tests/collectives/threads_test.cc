// The contract over threads, and how their failures end.
#include <gmock/gmock.h>

#include <atomic>
#include <stdexcept>

#include "runtime/collectives/collectives.h"
#include "runtime/core/errors.h"
#include "tests/collectives/communicator_contract.h"

namespace sterna::collectives {
namespace {

using std::chrono::milliseconds;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::ThrowsMessage;

Backend threads(int ranks) {
  return {
      .name = cat("threads", ranks),
      .transport = "threads",
      .run = [ranks](const auto& body, milliseconds time_limit) { run_on_threads(ranks, body, time_limit); }};
}

INSTANTIATE_TEST_SUITE_P(Threads, CommunicatorContract,
                         testing::Values(threads(1), threads(2), threads(3), threads(4), threads(5),
                                         threads(7)),
                         [](const auto& test) { return test.param.name; });

void receive_from(Communicator& comm, int peer, std::size_t bytes) {
  std::vector<std::byte> block(bytes);
  const ReceiveBlock receive{peer, block};
  comm.start({}, std::span(&receive, 1))->wait();
}

void send_to(Communicator& comm, int peer, std::size_t bytes) {
  const std::vector<std::byte> block(bytes);
  const SendBlock send{peer, block};
  comm.start(std::span(&send, 1), {})->wait();
}

// Rank 0 awaits ranks 1 and 2, of which only rank 1 sends.
TEST(Threads, GiveUpAtTheTimeLimitAndNameWhoIsAwaited) {
  const auto wait_in_vain = [](Communicator& comm) {
    if (comm.rank() == 1) send_to(comm, 0, 5);
    if (comm.rank() != 0) return;
    std::vector<std::byte> first(5), second(6);
    const std::vector<ReceiveBlock> receives = {{1, first}, {2, second}};
    comm.start({}, receives)->wait();
  };
  EXPECT_THAT(
      [&] { run_on_threads(3, wait_in_vain, milliseconds(50)); },
      ThrowsMessage<CommError>(AllOf(HasSubstr("rank 0: after 50 ms"), HasSubstr("6 bytes from rank 2"),
                                     Not(HasSubstr("from rank 1")))));
}

TEST(Threads, DetectABlockThatIsShorterOrLongerThanExpected) {
  for (const std::size_t sent_bytes : {7u, 9u}) {
    const auto exchange = [&](Communicator& comm) {
      if (comm.rank() == 0) receive_from(comm, 1, 8);
      if (comm.rank() == 1) send_to(comm, 0, sent_bytes);
    };
    EXPECT_THAT([&] { run_on_threads(2, exchange); },
                ThrowsMessage<CommError>(
                    HasSubstr(cat("rank 0: block from rank 1 has ", sent_bytes, " bytes, expected 8"))));
  }
}

// Without the abort, the barrier would last for the time limit of an hour.
TEST(Threads, EndAllWaitsWhenOneRankThrows) {
  std::atomic<int> ended_waits = 0;
  const auto body = [&](Communicator& comm) {
    if (comm.rank() == 2) throw std::runtime_error("rank 2 fails");
    try {
      barrier(comm);
    } catch (const CommError& error) {
      EXPECT_THAT(error.what(), HasSubstr("another rank has failed"));
      ++ended_waits;
      throw;
    }
  };
  EXPECT_THAT([&] { run_on_threads(4, body, std::chrono::hours(1)); },
              ThrowsMessage<std::runtime_error>(testing::StrEq("rank 2 fails")));
  EXPECT_EQ(ended_waits, 3);
}

TEST(Threads, MayDropATransferThatIsUnderWay) {
  run_on_threads(2, [](Communicator& comm) {
    const int peer = 1 - comm.rank();
    {
      std::vector<std::byte> sent(1000), received(1000);
      const SendBlock send{peer, sent};
      const ReceiveBlock receive{peer, received};
      (void)comm.start(std::span(&send, 1), std::span(&receive, 1));
    }
    barrier(comm);  // the blocks after the dropped ones match each other
  });
}

TEST(Threads, RefuseToBeNone) {
  EXPECT_THROW(run_on_threads(0, [](Communicator&) {}), InternalError);
}

}  // namespace
}  // namespace sterna::collectives
