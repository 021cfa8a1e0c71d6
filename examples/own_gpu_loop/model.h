// Linear regression on a GPU. Samples are made up: x is uniform, and a hidden rule, one weight a feature,
// says what y belongs to it. All addresses are the device's; each call enqueues kernels and returns.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

constexpr std::size_t kFeatures = 1000;
constexpr std::size_t kBatch = 32;  // samples of a learner and step

// The mean gradient of half the squared error over one learner's batch of a step.
//   weight, gradient  [kFeatures]
//   errors            [kBatch] y as predicted, less y; written
void enqueue_gradient(const float* weight, std::uint32_t learner, std::uint32_t step, float* errors,
                      float* gradient, cudaStream_t stream);

// weight -= learning_rate * gradient
void enqueue_update(const float* gradient, float learning_rate, float* weight, cudaStream_t stream);
