#include "model.h"

namespace {

constexpr unsigned kThreads = 256;
constexpr unsigned kBlocks = (kFeatures + kThreads - 1) / kThreads;

struct Batch {
  std::uint32_t learner;
  std::uint32_t step;
};

// In [-1, 1), the same for the same arguments everywhere. The constants are those of MurmurHash3's last step.
__device__ float feature(const Batch& batch, std::uint32_t sample, std::uint32_t i) {
  std::uint32_t bits = (batch.learner * 1000003u + batch.step) * 1000003u + sample * 4099u + i;
  bits = (bits ^ (bits >> 16)) * 0x85ebca6bu;
  bits = (bits ^ (bits >> 13)) * 0xc2b2ae35u;
  bits ^= bits >> 16;
  return static_cast<float>(bits >> 8) * (1.0f / 8388608.0f) - 1.0f;
}

// One in ten features matters.
__device__ float rule(std::uint32_t i) {
  return i % 10 == 0 ? 1.0f : 0.05f;
}

// A block for each sample: the sum over features of (weight - rule) x, in an order that is always the same.
__global__ void predict(const float* weight, Batch batch, float* errors) {
  __shared__ float sums[kThreads];
  float sum = 0.0f;
  for (std::uint32_t i = threadIdx.x; i < kFeatures; i += kThreads) {
    sum += (weight[i] - rule(i)) * feature(batch, blockIdx.x, i);
  }
  sums[threadIdx.x] = sum;
  for (unsigned half = kThreads / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half) sums[threadIdx.x] += sums[threadIdx.x + half];
  }
  if (threadIdx.x == 0) errors[blockIdx.x] = sums[0];
}

__global__ void differentiate(const float* errors, Batch batch, float* gradient) {
  const std::uint32_t i = blockIdx.x * kThreads + threadIdx.x;
  if (i >= kFeatures) return;
  float sum = 0.0f;
  for (std::uint32_t sample = 0; sample < kBatch; ++sample) sum += errors[sample] * feature(batch, sample, i);
  gradient[i] = sum / static_cast<float>(kBatch);
}

__global__ void update(const float* gradient, float learning_rate, float* weight) {
  const std::uint32_t i = blockIdx.x * kThreads + threadIdx.x;
  if (i < kFeatures) weight[i] -= learning_rate * gradient[i];
}

}  // namespace

void enqueue_gradient(const float* weight, std::uint32_t learner, std::uint32_t step, float* errors,
                      float* gradient, cudaStream_t stream) {
  const Batch batch{learner, step};
  predict<<<kBatch, kThreads, 0, stream>>>(weight, batch, errors);
  differentiate<<<kBlocks, kThreads, 0, stream>>>(errors, batch, gradient);
}

void enqueue_update(const float* gradient, float learning_rate, float* weight, cudaStream_t stream) {
  update<<<kBlocks, kThreads, 0, stream>>>(gradient, learning_rate, weight);
}
