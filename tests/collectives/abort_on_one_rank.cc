// The program of mpi_abort_test: rank 1 throws, and main() does with it what the project's programs do. The
// others wait for it in a barrier, with a time limit far beyond that of the test.
#include <chrono>
#include <exception>
#include <stdexcept>

#include "runtime/collectives/collectives.h"
#include "runtime/collectives/make_communicator.h"

namespace {

using namespace sterna::collectives;

void fail_on_rank_1() {
  const auto comm = make_mpi(std::chrono::hours(1));
  if (comm->rank() == 1) throw std::runtime_error("rank 1 fails");
  barrier(*comm);
}

}  // namespace

int main(int argc, char** argv) {
  MpiSession session(&argc, &argv);
  try {
    fail_on_rank_1();
  } catch (const std::exception&) {
    session.abort(3);
  }
  return 0;
}
