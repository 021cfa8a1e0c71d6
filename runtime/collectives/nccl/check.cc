#include "runtime/collectives/nccl/check.h"

#include "runtime/collectives/nccl/api.h"
#include "runtime/core/errors.h"

namespace sterna::collectives {
namespace {

std::string rank_text(int rank) {
  return rank == kNoRank ? "" : cat(" rank ", rank, ":");
}

}  // namespace

std::string reason_of(cudaError_t code) {
  return cat(cudaGetErrorName(code), ": ", cudaGetErrorString(code));
}

std::string reason_of(ncclResult_t code, ncclComm_t comm) {
  const char* const last = nccl_api().get_last_error(comm);
  const std::string detail = last == nullptr || *last == '\0' ? "" : cat(" (", last, ")");
  return nccl_api().get_error_string(code) + detail;
}

void check_cuda(cudaError_t code, const DeviceCall& call) {
  if (code == cudaSuccess) return;
  throw CommError(cat("[cuda]", rank_text(call.rank), " ", call.name, " failed: ", reason_of(code)));
}

void check_nccl(ncclResult_t code, const DeviceCall& call, ncclComm_t comm) {
  if (code == ncclSuccess || code == ncclInProgress) return;
  throw CommError(cat("[nccl]", rank_text(call.rank), " ", call.name, " failed: ", reason_of(code, comm)));
}

}  // namespace sterna::collectives
