// The contract over MPI, on as many ranks as mpirun starts.
#include "tests/collectives/communicator_contract.h"

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
