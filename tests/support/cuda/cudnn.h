// What the parts of the stand-in for cuDNN share: the library's objects.
#pragma once

#include <array>
#include <memory>
#include <set>
#include <string>

#include "runtime/tensor/cuda/api.h"
#include "tests/support/cuda/state.h"

// The library's own names, declared in its header.
struct cudnnContext {
  cudaStream_t stream = nullptr;
};
struct cudnnTensorStruct {
  std::array<int, 4> extents = {};  // samples, channels, height, width; 0 until they are set
};
struct cudnnFilterStruct {
  std::array<int, 4> extents = {};  // outputs, channels of a group, height, width
};
struct cudnnConvolutionStruct {
  int padding_height = 0, padding_width = 0, stride_height = 0, stride_width = 0;
  int groups = 1;
  cudnnMathType_t math = CUDNN_DEFAULT_MATH;
};

namespace sterna::cuda_stand_in {

// Reports a mistake; returns CUDNN_STATUS_BAD_PARAM.
cudnnStatus_t wrong_in_cudnn(const std::string& what);

template <typename Object>
std::set<Object*>& living_of() {
  static std::set<Object*> all;
  return all;
}

template <typename Object>
cudnnStatus_t create(Object** object) {
  *object = new Object;
  living_of<Object>().insert(*object);
  ++living_library_objects();
  return CUDNN_STATUS_SUCCESS;
}

template <typename Object>
cudnnStatus_t destroy(Object* object) {
  const std::unique_ptr<Object> owned(living_of<Object>().erase(object) == 1 ? object : nullptr);
  if (!owned) return wrong_in_cudnn("an object is destroyed that is not there");
  --living_library_objects();
  return CUDNN_STATUS_SUCCESS;
}

template <typename Object>
bool lives(Object* object) {
  return living_of<Object>().contains(object);
}

// Whether each is at least 1.
[[nodiscard]] bool are_extents(const std::array<int, 4>& extents);

// Sets the functions that choose algorithms and convolve.
void set_convolutions(tensor::cuda::CudnnApi& api);

}  // namespace sterna::cuda_stand_in
