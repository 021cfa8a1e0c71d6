#include "tests/collectives/communicator_contract.h"

namespace sterna::collectives {
namespace {

INSTANTIATE_TEST_SUITE_P(Single, CommunicatorContract,
                         testing::Values(Backend{
                             .name = "single1",
                             .transport = "single",
                             .run = [](const auto& body, auto) { body(*make_single()); }}),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace sterna::collectives
