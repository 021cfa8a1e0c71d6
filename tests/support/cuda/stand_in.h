// A stand-in for the CUDA runtime, NCCL, cuBLAS and cuDNN, for machines without a GPU: their headers, and own
// definitions of the functions that are used. A program that links it runs the code for GPUs as it is, on the
// CPU, with NCCL's operations over MPI, and cuBLAS's and cuDNN's by OpenBLAS.
//
// It is stricter than what it stands for. Where the real ones wait for ever, corrupt memory or happen to
// work, it reports a mistake of the caller: as an error code where there is one to return, and in
// take_mistakes().
//  - Device memory is poisoned with 0xff, and cannot be touched by the host: its addresses lead nowhere.
//  - Streams are lazy. Work runs when somebody synchronises or asks, one piece of it for each question.
//  - A copy's kind must fit its pointers, and host memory must be pinned where the copy is asynchronous.
//  - Each call must come from a thread whose current device is that of the stream.
//  - Sends wait for their receives. Sends and receives must stand in a group, and agree on type and count.
//  - Products take device memory, that the extents fit into, and factors of the host; convolutions,
//  descriptors
//    that fit together, and a workspace of the length that was asked for. No factor is rounded to TF32.
//  - A communicator that is not blocking is in progress for some questions after its creation and each group.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace sterna::cuda_stand_in {

// GPUs of this machine: 8, or what STAND_IN_DEVICES in the environment says. Where there are none,
// cudaGetDeviceCount() returns `code`.
void set_devices(int count, cudaError_t code = cudaErrorNoDevice);

enum class Failure {
  kRemoteError,     // the communicator has ncclRemoteError, and the operation never ends
  kNeverCompletes,  // as when a peer does not come
};

// The operation of NCCL that is `later` operations away (0: the next one) fails on this rank.
void fail_operation(int later, Failure failure);

// The communicators made from now on never come into being, or do again.
void set_creation_hangs(bool hangs);

// What callers have done wrong since the last call.
[[nodiscard]] std::vector<std::string> take_mistakes();

// What has been made and not been freed.
struct Living {
  std::size_t allocations = 0;
  std::size_t streams = 0;
  std::size_t events = 0;
  std::size_t communicators = 0;
  std::size_t library_objects = 0;  // handles and descriptors of cuBLAS and cuDNN
};
[[nodiscard]] Living living();

// For kernels' stand-ins: work in a stream's order, which is called until it returns true; and what it may
// read and write in the place of device memory, or null, which is a mistake, if `bytes` there are not
// allocated.
cudaError_t enqueue(cudaStream_t stream, std::function<bool()> work);
[[nodiscard]] std::byte* behind(const void* device_address, std::size_t bytes);

// Runs a kernel for which the device's addresses lead to its memory.
void run_on_device_memory(const std::function<void()>& kernel);

// For the stand-in's own parts. Returns the code.
cudaError_t mistake(cudaError_t code, const std::string& what);

}  // namespace sterna::cuda_stand_in
