// The transports that a job can run over.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/collectives/communicator.h"

namespace sterna::collectives {

// How long a block may stay away before the job is given up.
inline constexpr std::chrono::seconds kDefaultTimeLimit{300};

// One rank, no transport.
[[nodiscard]] std::unique_ptr<Communicator> make_single();

// Runs `body` on `ranks` threads of this process, each with its own communicator: for tests, debuggers and
// the thread sanitizer. Returns when all have returned. If one throws, the waits of the others end with
// CommError, and the first exception is rethrown.
void run_on_threads(int ranks, const std::function<void(Communicator&)>& body,
                    std::chrono::milliseconds time_limit = kDefaultTimeLimit);

// Over MPI_COMM_WORLD (a duplicate of it). MPI must have been initialised, and must outlive the communicator.
// Collective, and so is destroying it, where nothing has failed. Throws CommError.
[[nodiscard]] std::unique_ptr<Communicator> make_mpi(
    std::chrono::milliseconds time_limit = kDefaultTimeLimit);

// What a communicator over NCCL is called.
inline constexpr std::string_view kNcclName = "nccl";

// The version of NCCL's library, "2.28.9", once make_nccl() has loaded it.
[[nodiscard]] std::string nccl_version();

// Whether this build has NCCL.
[[nodiscard]] bool has_nccl();

// Who asks for NCCL, for errors, and on which GPU.
struct NcclRequest {
  std::string_view setting = "transport = nccl";
  std::string_view instead = "use --transport mpi";
  std::optional<int> device{};  // as CUDA counts; none: the ranks of a host take its GPUs in turn
};

// Over NCCL, one GPU for each rank. Blocks that lie in the GPU's memory go from there; those of the host's
// are staged through pinned memory and the GPU's. Collective.
//   control  over all ranks (MPI), for what they must know before; not used afterwards
// Throws AgreedConfigError where the build, NCCL's library, a driver or a GPU is missing, and where two ranks
// would share a GPU; CommError.
[[nodiscard]] std::unique_ptr<Communicator> make_nccl(
    Communicator& control, std::chrono::milliseconds time_limit = kDefaultTimeLimit,
    const NcclRequest& request = {});

// Initialises MPI for the life of the object.
class MpiSession {
 public:
  MpiSession(int* argc, char*** argv);
  ~MpiSession();
  MpiSession(const MpiSession&) = delete;
  MpiSession& operator=(const MpiSession&) = delete;

  // Ends the job on all ranks with this exit status, whoever initialised MPI. Does not return.
  [[noreturn]] static void abort(int status);

  // What has become of MPI in this process, by whomever.
  enum class State { kNotInitialised, kRunning, kFinalised };
  [[nodiscard]] static State state();

  // Whether a launcher (mpirun, srun) started this process, as its environment tells.
  [[nodiscard]] static bool is_launched();

  // Version of the MPI library, one line.
  [[nodiscard]] static std::string library_version();
};

}  // namespace sterna::collectives
