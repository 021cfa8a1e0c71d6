// own_gpu_loop [COMPRESSOR [STEPS]]: linear regression on GPUs, with a loop, a model and an update of its
// own, one learner a GPU. Sterna does one thing for it: it turns the learners' gradients into their mean, in
// the GPUs' memory.
//
//   mpirun -np 2 own_gpu_loop adacomp
#include <cuda_runtime_api.h>
#include <sterna/device_exchange.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#include "model.h"

namespace {

constexpr float kLearningRate = 0.02f;

void check(cudaError_t code, const char* call) {
  if (code != cudaSuccess) throw std::runtime_error(std::string(call) + ": " + cudaGetErrorString(code));
}

// Floats of the device that is this thread's current one, zero at first.
class DeviceFloats {
 public:
  explicit DeviceFloats(std::size_t n) : n_(n) {
    void* address = nullptr;
    check(cudaMalloc(&address, n * sizeof(float)), "cudaMalloc");
    floats_ = static_cast<float*>(address);
    check(cudaMemset(floats_, 0, n * sizeof(float)), "cudaMemset");
  }
  ~DeviceFloats() { cudaFree(floats_); }
  DeviceFloats(const DeviceFloats&) = delete;
  DeviceFloats& operator=(const DeviceFloats&) = delete;

  float* data() const { return floats_; }
  std::span<float> span() const { return {floats_, n_}; }

 private:
  std::size_t n_;
  float* floats_ = nullptr;
};

double mean_square(const DeviceFloats& errors) {
  std::vector<float> host(kBatch);
  check(cudaMemcpy(host.data(), errors.data(), kBatch * sizeof(float), cudaMemcpyDeviceToHost), "cudaMemcpy");
  double sum = 0.0;
  for (float error : host) sum += static_cast<double>(error) * static_cast<double>(error);
  return sum / static_cast<double>(kBatch);
}

void train(sterna::World& world, const std::string& compressor, int steps) {
  sterna::DeviceExchange exchange(world, {{.name = "weight", .elements = kFeatures}},
                                  {.compressor = compressor, .rate = 20, .bin_fc = 50});
  // Its GPU is this thread's current one now.
  const DeviceFloats weight(kFeatures), gradient(kFeatures), errors(kBatch);
  const cudaStream_t stream = nullptr;  // the default one

  for (int step = 1; step <= steps; ++step) {
    enqueue_gradient(weight.data(), exchange.first_learner(), static_cast<std::uint32_t>(step), errors.data(),
                     gradient.data(), stream);
    // Enqueued as well: the mean is there when the stream comes to the update, and the weights stay equal.
    const sterna::Sent sent = exchange.reduce_to_mean({gradient.span()}, stream);
    enqueue_update(gradient.data(), kLearningRate, weight.data(), stream);
    check(cudaGetLastError(), "a kernel's launch");

    if (step % 20 != 0) continue;
    exchange.wait();  // with a time limit, which CUDA's own waits have not
    const double loss = mean_square(errors);
    if (world.rank() != 0) continue;
    std::printf("step %d squared error %.4g payload_bytes %llu of %llu wire_bytes %llu\n", step, loss,
                static_cast<unsigned long long>(sent.payload_bytes),
                static_cast<unsigned long long>(sent.dense_bytes),
                static_cast<unsigned long long>(sent.wire_bytes));
  }
  exchange.wait();
}

}  // namespace

int main(int argc, char** argv) {
  const std::string compressor = argc > 1 ? argv[1] : "adacomp";
  const int steps = argc > 2 ? std::atoi(argv[2]) : 100;
  try {
    sterna::World world;
    try {
      train(world, compressor, steps);
    } catch (const sterna::AgreedConfigError& error) {
      // Every rank has it, so that none waits for another.
      if (world.rank() == 0) std::fprintf(stderr, "%s\n", error.what());
      return 2;
    } catch (const std::exception& error) {
      std::fprintf(stderr, "[rank %d] %s\n", world.rank(), error.what());
      world.abort(1);
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
