// Over MPI_COMM_WORLD: blocks are messages, which MPI keeps in order between two ranks.
#include <mpi.h>

#include <algorithm>
#include <atomic>
#include <exception>

#include "runtime/collectives/make_communicator.h"
#include "runtime/collectives/mpi/check.h"
#include "runtime/collectives/mpi/transfer.h"
#include "runtime/core/errors.h"

namespace sterna::collectives {
namespace {

// MPI counts in int.
constexpr std::size_t kMaxSummedValues = std::size_t{1} << 28;

// While it lives, an error on MPI_COMM_WORLD returns. The program's own handler, which may end the job, is
// there again afterwards: MPI_COMM_WORLD is not ours.
class ErrorsOnWorldReturn {
 public:
  explicit ErrorsOnWorldReturn(int rank) {
    check_mpi(MPI_Comm_get_errhandler(MPI_COMM_WORLD, &before_),
              {.name = "MPI_Comm_get_errhandler", .rank = rank});
    check_mpi(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN),
              {.name = "MPI_Comm_set_errhandler", .rank = rank});
  }
  ~ErrorsOnWorldReturn() {
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, before_);
    MPI_Errhandler_free(&before_);
  }
  ErrorsOnWorldReturn(const ErrorsOnWorldReturn&) = delete;
  ErrorsOnWorldReturn& operator=(const ErrorsOnWorldReturn&) = delete;

 private:
  MPI_Errhandler before_ = MPI_ERRHANDLER_NULL;
};

MpiJob join_job(std::chrono::milliseconds time_limit, const std::atomic<bool>& is_abandoned,
                std::atomic<bool>& has_given_up) {
  int is_initialised = 0;
  check_mpi(MPI_Initialized(&is_initialised), {.name = "MPI_Initialized"});
  if (is_initialised == 0) throw CommError("[mpi] MPI is not initialised: make an MpiSession first");

  MpiJob job{.comm = MPI_COMM_NULL,
             .rank = kNoPeer,
             .ranks = 0,
             .time_limit = time_limit,
             .is_abandoned = &is_abandoned,
             .has_given_up = &has_given_up};
  check_mpi(MPI_Comm_rank(MPI_COMM_WORLD, &job.rank), {.name = "MPI_Comm_rank"});
  check_mpi(MPI_Comm_size(MPI_COMM_WORLD, &job.ranks), {.name = "MPI_Comm_size", .rank = job.rank});
  // A duplicate: our messages never meet those of another library.
  const ErrorsOnWorldReturn errors_return(job.rank);
  check_mpi(MPI_Comm_dup(MPI_COMM_WORLD, &job.comm), {.name = "MPI_Comm_dup", .rank = job.rank});
  check_mpi(MPI_Comm_set_errhandler(job.comm, MPI_ERRORS_RETURN),
            {.name = "MPI_Comm_set_errhandler", .rank = job.rank});
  return job;
}

class MpiCommunicator : public Communicator {
 public:
  explicit MpiCommunicator(std::chrono::milliseconds time_limit)
      : job_(join_job(time_limit, is_abandoned_, has_given_up_)) {}

  // Frees the duplicate where all ranks do so: MPI_Comm_free is collective. After a failure a destructor may
  // run on one rank alone.
  ~MpiCommunicator() override {
    int is_finalised = 1;
    MPI_Finalized(&is_finalised);
    if (has_given_up_ || is_abandoned_ || is_finalised != 0 || std::uncaught_exceptions() > 0) return;
    MPI_Comm comm = job_.comm;
    MPI_Comm_free(&comm);
  }
  MpiCommunicator(const MpiCommunicator&) = delete;
  MpiCommunicator& operator=(const MpiCommunicator&) = delete;

  [[nodiscard]] std::string_view name() const override { return "mpi"; }
  [[nodiscard]] int rank() const override { return job_.rank; }
  [[nodiscard]] int ranks() const override { return job_.ranks; }

  [[nodiscard]] bool may_change_threads() const override {
    int provided = MPI_THREAD_SINGLE;
    check_mpi(MPI_Query_thread(&provided), {.name = "MPI_Query_thread", .rank = job_.rank});
    return provided >= MPI_THREAD_SERIALIZED;
  }
  void abandon() override { is_abandoned_ = true; }
  [[nodiscard]] bool has_given_up() const override { return has_given_up_; }

 private:
  // Receives first: a message that finds its receive posted needs no buffer in between.
  std::unique_ptr<Transfer> start_blocks(std::span<const SendBlock> sends,
                                         std::span<const ReceiveBlock> receives) override {
    auto transfer = std::make_unique<MpiTransfer>(job_);
    for (const ReceiveBlock& block : receives) transfer->receive(block);
    for (const SendBlock& block : sends) transfer->send(block);
    return transfer;
  }

  void sum_in_any_order(std::span<float> values) override {
    for (std::size_t begin = 0; begin < values.size(); begin += kMaxSummedValues) {
      MpiTransfer transfer(job_);
      transfer.sum(values.subspan(begin, std::min(kMaxSummedValues, values.size() - begin)));
      transfer.wait();
    }
  }

  std::atomic<bool> is_abandoned_ = false;
  std::atomic<bool> has_given_up_ = false;
  const MpiJob job_;
};

}  // namespace

std::unique_ptr<Communicator> make_mpi(std::chrono::milliseconds time_limit) {
  return std::make_unique<MpiCommunicator>(time_limit);
}

}  // namespace sterna::collectives
