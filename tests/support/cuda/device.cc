// Devices, errors, and what callers have done wrong.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "runtime/core/errors.h"
#include "tests/support/cuda/stand_in.h"
#include "tests/support/cuda/state.h"

namespace sterna::cuda_stand_in {
namespace {

struct Machine {
  int devices;
  cudaError_t code_without = cudaErrorNoDevice;
};

Machine& machine() {
  static Machine the_machine = [] {
    const char* devices = std::getenv("STAND_IN_DEVICES");
    return Machine{.devices = devices == nullptr ? 8 : std::atoi(devices)};
  }();
  return the_machine;
}

std::vector<std::string>& mistakes() {
  static std::vector<std::string> all;
  return all;
}

thread_local int this_threads_device = 0;

struct Named {
  cudaError_t code;
  const char* name;
  const char* text;
};
constexpr std::array kErrors = {
    Named{cudaSuccess, "cudaSuccess", "no error"},
    Named{cudaErrorInvalidValue, "cudaErrorInvalidValue", "invalid argument"},
    Named{cudaErrorInsufficientDriver, "cudaErrorInsufficientDriver",
          "CUDA driver version is insufficient for CUDA runtime version"},
    Named{cudaErrorNoDevice, "cudaErrorNoDevice", "no CUDA-capable device is detected"},
    Named{cudaErrorInvalidDevice, "cudaErrorInvalidDevice", "invalid device ordinal"},
    Named{cudaErrorInvalidResourceHandle, "cudaErrorInvalidResourceHandle", "invalid resource handle"},
    Named{cudaErrorNotReady, "cudaErrorNotReady", "device not ready"},
};

Named named(cudaError_t code) {
  for (const Named& error : kErrors) {
    if (error.code == code) return error;
  }
  return {code, "cudaErrorUnknown", "unknown error"};
}

}  // namespace

void set_devices(int count, cudaError_t code) {
  machine() = {.devices = count, .code_without = code};
}

std::vector<std::string> take_mistakes() {
  return std::exchange(mistakes(), {});
}

cudaError_t mistake(cudaError_t code, const std::string& what) {
  mistakes().push_back(what);
  std::fprintf(stderr, "stand-in for CUDA: %s\n", what.c_str());
  return code;
}

int current_device() {
  return this_threads_device;
}

std::size_t& living_library_objects() {
  static std::size_t living = 0;
  return living;
}

Living living() {
  return {.allocations = living_allocations(),
          .streams = streams().size(),
          .events = events().size(),
          .communicators = living_communicators(),
          .library_objects = living_library_objects()};
}

}  // namespace sterna::cuda_stand_in

using namespace sterna::cuda_stand_in;
using sterna::cat;

extern "C" {

// Like the real one, it leaves the count alone where it fails.
cudaError_t cudaGetDeviceCount(int* count) {
  if (machine().devices == 0) return machine().code_without;
  *count = machine().devices;
  return cudaSuccess;
}

cudaError_t cudaSetDevice(int device) {
  if (device < 0 || device >= machine().devices) {
    return mistake(cudaErrorInvalidDevice, cat("cudaSetDevice(", device, "): there is no such device"));
  }
  this_threads_device = device;
  return cudaSuccess;
}

cudaError_t cudaGetDevice(int* device) {
  if (machine().devices == 0) return machine().code_without;
  *device = current_device();
  return cudaSuccess;
}

cudaError_t cudaDeviceGetPCIBusId(char* text, int characters, int device) {
  if (device < 0 || device >= machine().devices) return cudaErrorInvalidDevice;
  std::snprintf(text, static_cast<std::size_t>(characters), "0000:%02x:00.0", device);
  return cudaSuccess;
}

const char* cudaGetErrorName(cudaError_t code) {
  return named(code).name;
}

const char* cudaGetErrorString(cudaError_t code) {
  return named(code).text;
}

}  // extern "C"
