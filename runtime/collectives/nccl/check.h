// The return codes of CUDA and NCCL, as errors that name the call, this rank, and the driver's reason.
#pragma once

#include <cuda_runtime_api.h>
#include <nccl.h>

#include <string>

namespace sterna::collectives {

inline constexpr int kNoRank = -1;

struct DeviceCall {
  const char* name;    // "cudaMalloc"
  int rank = kNoRank;  // who called, where it is known
};

// The code's name and what the runtime says of it: "cudaErrorNoDevice: no CUDA-capable device is detected".
[[nodiscard]] std::string reason_of(cudaError_t code);

// What NCCL says of the code, and what it last said of the communicator, which may be null.
[[nodiscard]] std::string reason_of(ncclResult_t code, ncclComm_t comm);

// Throws CommError if `code` is not cudaSuccess.
void check_cuda(cudaError_t code, const DeviceCall& call);

// Throws CommError if `code` is neither ncclSuccess nor ncclInProgress, with what NCCL last said of it.
//   comm  of the call, or null
void check_nccl(ncclResult_t code, const DeviceCall& call, ncclComm_t comm);

}  // namespace sterna::collectives
