// For builds without CUDA.
#include "runtime/collectives/agreement.h"
#include "runtime/collectives/make_communicator.h"
#include "runtime/core/errors.h"

namespace sterna::collectives {

bool has_nccl() {
  return false;
}

std::string nccl_version() {
  throw InternalError("[nccl] the version of a library that this build has not");
}

std::unique_ptr<Communicator> make_nccl(Communicator& control, std::chrono::milliseconds,
                                        const NcclRequest& request) {
  agree(control, cat("[nccl] ", request.setting,
                     ": this build has no NCCL; build it with -DSTERNA_CUDA=ON where the CUDA toolkit and "
                     "NCCL are, or ",
                     request.instead));
  throw InternalError("[nccl] all ranks agreed on an error that none has");
}

}  // namespace sterna::collectives
