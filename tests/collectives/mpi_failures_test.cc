// How failures over MPI end, on three ranks. Every test makes communicators of its own: one whose wait has
// failed is good for nothing more.
#include <gmock/gmock.h>

#include "runtime/collectives/collectives.h"
#include "runtime/core/errors.h"
#include "tests/collectives/communicator_contract.h"
#include "tests/support/duplicates.h"

namespace sterna::collectives {
namespace {

using std::chrono::milliseconds;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::ThrowsMessage;

constexpr milliseconds kAmple{120'000};

void send_to(Communicator& comm, int peer, std::span<const std::byte> bytes) {
  const SendBlock send{peer, bytes};
  comm.start(std::span(&send, 1), {})->wait();
}

void receive_from(Communicator& comm, int peer, std::span<std::byte> bytes) {
  const ReceiveBlock receive{peer, bytes};
  comm.start({}, std::span(&receive, 1))->wait();
}

// Rank 0 awaits ranks 1 and 2, of which only rank 1 sends.
TEST(MpiFailures, GivesUpAtTheTimeLimitAndNamesWhoIsAwaited) {
  const auto comm = make_mpi(milliseconds(500));
  std::vector<std::byte> first(5), second(6);
  if (comm->rank() == 1) send_to(*comm, 0, first);
  if (comm->rank() == 0) {
    const std::vector<ReceiveBlock> receives = {{1, first}, {2, second}};
    EXPECT_THAT(
        [&] { comm->start({}, receives)->wait(); },
        ThrowsMessage<CommError>(AllOf(HasSubstr("rank 0: after 500 ms"), HasSubstr("6 bytes from rank 2"),
                                       Not(HasSubstr("from rank 1")))));
  }
  barrier(*make_mpi(kAmple));  // the other ranks wait here: for messages, rank 0 needs nobody
}

// Rank 1 sends `sent_bytes`, of which rank 0 expects `expected_bytes`, before a guard that must stay as it
// is. Short blocks travel with their envelope, long ones after a handshake (two paths of MPI), and longer
// ones as messages of 245,760 bytes.
void expect_error(std::size_t sent_bytes, std::size_t expected_bytes, const std::string& message) {
  SCOPED_TRACE(cat(sent_bytes, " bytes sent, ", expected_bytes, " expected"));
  const auto comm = make_mpi(milliseconds(500));
  if (comm->rank() == 1) {
    const std::vector<std::byte> block(sent_bytes, std::byte{0xAB});
    try {
      send_to(*comm, 0, block);
    } catch (const CommError&) {
      // A long message that nobody takes meets the time limit here too.
    }
  }
  if (comm->rank() == 0) {
    std::vector<std::byte> guarded(std::max(sent_bytes, expected_bytes) + 4096);
    EXPECT_THAT([&] { receive_from(*comm, 1, std::span(guarded).first(expected_bytes)); },
                ThrowsMessage<CommError>(HasSubstr(message)));
    EXPECT_THAT(std::span(guarded).subspan(expected_bytes), testing::Each(std::byte{0}));
  }
  barrier(*make_mpi(kAmple));
}

void expect_refusal(std::size_t sent_bytes, std::size_t expected_bytes) {
  expect_error(sent_bytes, expected_bytes,
               cat("rank 0: block from rank 1 has ", sent_bytes, " bytes, expected ", expected_bytes));
}

TEST(MpiFailures, DetectsABlockThatIsShorterThanExpected) {
  expect_refusal(/*sent_bytes=*/7, /*expected_bytes=*/8);
  expect_refusal(999'999, 1'000'000);
  expect_refusal(500'000, 1'000'000);  // 2 messages and 8480 bytes, of 4 and 16,960
  expect_error(2 * 245'760, 1'000'000, "still awaited: 508480 bytes from rank 1;");
}

TEST(MpiFailures, DetectsABlockThatIsLongerThanExpectedAndWritesNothingPastItsEnd) {
  expect_refusal(9, 8);
  expect_refusal(5'000, 3'200);
  expect_error(1'000'000, 3'200, "rank 0: block from rank 1 has at least 245760 bytes, expected 3200;");
  expect_error(1'000'000, 500'000, "rank 0: block from rank 1 has at least 737280 bytes, expected 500000;");
  expect_error(1'000'000, 999'999, "rank 0: block from rank 1 has 1000000 bytes, expected 999999;");
}

// What a transfer leaves behind when it is dropped must not reach the communicators made after it.
TEST(MpiFailures, DropsATransferThatIsUnderWay) {
  const test::Duplicates duplicates;
  auto dropped = make_mpi(kAmple);
  const int next = (dropped->rank() + 1) % dropped->ranks();
  std::vector<std::byte> never_sent(1000);
  const ReceiveBlock receive{next, never_sent};
  (void)dropped->start({}, std::span(&receive, 1));

  const auto comm = make_mpi(kAmple);
  std::vector<std::byte> ranks(ranks_of(*comm));
  const auto mine = static_cast<std::byte>(comm->rank());
  all_gather(*comm, std::span(&mine, 1), ranks);
  EXPECT_EQ(ranks, (std::vector{std::byte{0}, std::byte{1}, std::byte{2}}));

  dropped.reset();
  EXPECT_EQ(duplicates.freed(), 0) << "a receive may still use it";
}

}  // namespace
}  // namespace sterna::collectives
