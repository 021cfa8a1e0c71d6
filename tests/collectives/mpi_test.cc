// The contract over MPI, on as many ranks as mpirun starts.
#include "runtime/core/errors.h"
#include "tests/collectives/communicator_contract.h"
#include "tests/support/duplicates.h"

namespace sterna::collectives {
namespace {

using std::chrono::milliseconds;

INSTANTIATE_TEST_SUITE_P(Mpi, CommunicatorContract,
                         testing::Values(Backend{
                             .name = "mpi",
                             .transport = "mpi",
                             .run = [](const auto& body,
                                       milliseconds time_limit) { body(*make_mpi(time_limit)); }}),
                         [](const auto& test) { return test.param.name; });

TEST(MpiCommunicator, FreesItsDuplicate) {
  const test::Duplicates duplicates;
  for (int made = 1; made <= 3; ++made) {
    { const auto comm = make_mpi(); }
    EXPECT_EQ(duplicates.freed(), made);
  }
}

// Destructors that run on one rank alone must wait for nobody.
TEST(MpiCommunicator, KeepsItsDuplicateWhileAnExceptionIsOnItsWay) {
  const test::Duplicates duplicates;
  try {
    const auto comm = make_mpi();
    throw InternalError("a test's");
  } catch (const InternalError&) {
    EXPECT_EQ(duplicates.freed(), 0);
  }
}

TEST(MpiSession, KnowsThatALauncherStartedIt) {
  EXPECT_TRUE(MpiSession::is_launched());
}

TEST(MpiSession, TellsTheVersionOfTheLibraryInOneLine) {
  const std::string version = MpiSession::library_version();
  EXPECT_FALSE(version.empty());
  EXPECT_EQ(version.find('\n'), std::string::npos);
}

}  // namespace
}  // namespace sterna::collectives
