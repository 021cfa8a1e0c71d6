// main() of the tests that run under mpirun. Rank 0 reports as GoogleTest does, the others print only what
// fails.
//
// After a failed assertion a rank may have left a collective that the others are still in. So the first test
// that fails on any rank ends the job, with status 1.
#include <gtest/gtest.h>

#include <cstdio>
#include <exception>
#include <string>

#include "runtime/collectives/make_communicator.h"

namespace {

using sterna::collectives::MpiSession;

class FailureReporter : public testing::EmptyTestEventListener {
 public:
  FailureReporter(MpiSession& session, int rank) : session_(session), rank_(rank) {}

  void OnTestPartResult(const testing::TestPartResult& part) override {
    if (!part.failed() || rank_ == 0) return;
    const char* file = part.file_name() == nullptr ? "unknown file" : part.file_name();
    std::fprintf(stderr, "[rank %d] %s:%d: %s\n", rank_, file, part.line_number(), part.summary());
  }

  void OnTestEnd(const testing::TestInfo& test) override {
    if (test.result()->Passed()) return;
    std::fprintf(stderr, "[rank %d] failed: %s.%s\n", rank_, test.test_suite_name(), test.name());
    std::fflush(nullptr);
    session_.abort(1);
  }

 private:
  MpiSession& session_;
  const int rank_;
};

int run_tests(MpiSession& session) {
  const int rank = sterna::collectives::make_mpi()->rank();
  testing::TestEventListeners& listeners = testing::UnitTest::GetInstance()->listeners();
  if (rank != 0) delete listeners.Release(listeners.default_result_printer());
  listeners.Append(new FailureReporter(session, rank));  // GoogleTest owns it
  return RUN_ALL_TESTS();
}

}  // namespace

int main(int argc, char** argv) {
  MpiSession session(&argc, &argv);
  testing::InitGoogleTest(&argc, argv);
  try {
    return run_tests(session);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    session.abort(1);
  }
}
