// Seconds of encoding and decoding by kernels on a GPU, and gradient bytes per second, for every registered
// compressor, beside a copy of the same length within the device's memory.
//   build/release/tests/bench/gpu_compressor_bench [--benchmark_format=json]
// Times are those between two events of the stream. What is sent is compared with the CPU's compressor first.
// Gradients are normal, another at each step. Ends with 77 where there is no GPU.
#include <benchmark/benchmark.h>
#include <cuda_runtime_api.h>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "compressors/gpu/gpu_compressor.h"
#include "runtime/core/aligned_vector.h"
#include "runtime/core/errors.h"
#include "runtime/core/rng.h"
#include "runtime/device/stream_launcher.h"
#include "tests/compressors/gpu/cuda_machine.h"

namespace sterna::compressors::gpu {
namespace {

using device::check_cuda;

// Residues are in their steady state after about as many steps (compressor_bench.cc).
constexpr int kWarmUpSteps = 100;
constexpr float kThreshold = 10.0f;  // strom's: 1 of 100 is sent
// A step's gradient is a window of the values.
constexpr std::size_t kWindows = 1024;
constexpr std::size_t kWindowShift = 256;

AlignedVector<float> normal_values(std::size_t n) {
  AlignedVector<float> values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = random_normal({.seed = 1}, i);
  return values;
}

// Seconds of the device from begin() to end().
class EventTimer {
 public:
  EventTimer() {
    check_cuda(cudaEventCreate(&begin_), "cudaEventCreate");
    check_cuda(cudaEventCreate(&end_), "cudaEventCreate");
  }
  ~EventTimer() {
    cudaEventDestroy(begin_);
    cudaEventDestroy(end_);
  }
  EventTimer(const EventTimer&) = delete;
  EventTimer& operator=(const EventTimer&) = delete;

  void begin() { check_cuda(cudaEventRecord(begin_, nullptr), "cudaEventRecord"); }
  double end() {
    check_cuda(cudaEventRecord(end_, nullptr), "cudaEventRecord");
    check_cuda(cudaEventSynchronize(end_), "cudaEventSynchronize");
    float milliseconds = 0;
    check_cuda(cudaEventElapsedTime(&milliseconds, begin_, end_), "cudaEventElapsedTime");
    return 1e-3 * milliseconds;
  }

 private:
  cudaEvent_t begin_ = nullptr;
  cudaEvent_t end_ = nullptr;
};

// One compressor and one layer, whose gradients, residue and payload lie in the device's memory.
class Scene {
 public:
  Scene(std::string_view name, std::size_t n)
      : shape_{.elements = n, .kind = LayerKind::kFullyConnected},
        options_{.threshold = kThreshold},
        kernels_(make_gpu_compressor<device::StreamLauncher>(name, shape_, options_)),
        host_values_(normal_values(n + kWindows * kWindowShift)),
        values_(upload(host_values_)),
        residue_(upload(AlignedVector<float>(compressor().has_residue() ? n : 0))),
        out_(upload(AlignedVector<float>(n))),
        payload_(upload(std::vector<std::byte>(compressor().max_payload_bytes()))),
        indices_(upload(std::vector<std::byte>(compressor().max_index_bytes()))),
        workspace_(upload(std::vector<std::byte>(kernels_->workspace_bytes()))),
        outcome_(upload(std::vector<Outcome>(1))) {
    lead();
    verify(name);
    for (int step = 0; step < kWarmUpSteps; ++step) lead();
  }

  const Compressor& compressor() const { return kernels_->compressor(); }
  bool is_leader_indexed() const { return compressor().exchange() == Exchange::kLeaderIndexed; }

  // Encodes the next gradient, as the leader where there is one. Seconds on the device.
  double lead() {
    share_indices();
    const EncodeBuffers buffers = encode_buffers();
    timer_.begin();
    if (is_leader_indexed()) {
      kernels_->encode_as_leader(machine_.launcher(), buffers);
    } else {
      kernels_->encode(machine_.launcher(), buffers);
    }
    const double seconds = timer_.end();
    read_outcome();
    if (is_leader_indexed()) index_bytes_ = found_.index_bytes;
    return seconds;
  }

  // Encodes at the indices that the last lead() chose.
  double follow() {
    const EncodeBuffers buffers = encode_buffers();
    timer_.begin();
    kernels_->encode(machine_.launcher(), buffers);
    const double seconds = timer_.end();
    read_outcome();
    return seconds;
  }

  double decode() {
    const bool is_gathered = compressor().exchange() == Exchange::kGathered;
    DecodeBuffers buffers{.out = out_, .workspace = workspace_, .outcome = outcome_.data()};
    if (is_gathered) {
      buffers.payload = payload_.first(payload_bytes_);
    } else {
      buffers.indices = indices_.first(index_bytes_);
      buffers.values = values_.first(found_.elements_sent);  // as many as come; which ones takes no time
    }
    timer_.begin();
    (*kernels_.*(is_gathered ? &Kernels::accumulate : &Kernels::scatter))(machine_.launcher(), buffers);
    const double seconds = timer_.end();
    if (download().is_refused != 0) throw std::runtime_error("the kernels refuse their own payload");
    return seconds;
  }

  double wire_bits_per_value() const {
    const std::size_t bytes = payload_bytes_ + (is_leader_indexed() ? index_bytes_ : 0);
    return 8.0 * static_cast<double>(bytes) / static_cast<double>(shape_.elements);
  }

 private:
  using Kernels = GpuCompressor<device::StreamLauncher>;

  template <typename Vector>
  std::span<typename Vector::value_type> upload(const Vector& values) {
    return machine_.upload(std::span<const typename Vector::value_type>(values));
  }

  // Those that all learners draw alike: the host's work, and no part of the time.
  void share_indices() {
    if (compressor().exchange() != Exchange::kSummed) return;
    std::vector<std::byte> indices(compressor().max_index_bytes());
    index_bytes_ = compressor().write_shared_indices({.step = step_}, indices);
    check_cuda(cudaMemcpy(indices_.data(), indices.data(), index_bytes_, cudaMemcpyHostToDevice),
               "cudaMemcpy");
  }

  EncodeBuffers encode_buffers() {
    // The stride, prime to the number of windows, keeps neighbouring steps' windows apart.
    const std::size_t begin = step_++ * 389 % kWindows * kWindowShift;
    return {.gradient = values_.subspan(begin, shape_.elements),
            .residue = residue_,
            .indices = std::span<const std::byte>(indices_).first(index_bytes_),
            .index_section = indices_,
            .payload = payload_,
            .workspace = workspace_,
            .outcome = outcome_.data()};
  }

  Outcome download() {
    Outcome found;
    machine_.download(std::span<const Outcome>(outcome_), std::span(&found, 1));
    return found;
  }

  void read_outcome() {
    found_ = download();
    if (found_.is_refused != 0) throw std::runtime_error("the kernels refuse their own indices");
    payload_bytes_ = found_.payload_bytes;
  }

  // The first step's payload is the CPU's.
  void verify(std::string_view name) {
    const auto cpu = make_compressor(name, shape_, options_);
    AlignedVector<float> residue(residue_.size());
    std::vector<std::byte> indices(cpu->max_index_bytes());
    std::vector<std::byte> payload(cpu->max_payload_bytes());
    const std::span<const float> gradient = std::span<const float>(host_values_).first(shape_.elements);
    if (is_leader_indexed()) {
      payload.resize(cpu->encode_as_leader(gradient, residue, {}, indices, payload).payload_bytes);
    } else {
      indices.resize(cpu->write_shared_indices({}, indices));
      payload.resize(cpu->encode(gradient, residue, indices, {}, payload).payload_bytes);
    }
    std::vector<std::byte> sent(payload_bytes_);
    machine_.download(std::span<const std::byte>(payload_).first(payload_bytes_), std::span(sent));
    if (sent != payload) throw std::runtime_error(cat(name, ": the payload is not the CPU's"));
  }

  LayerShape shape_;
  Options options_;
  std::unique_ptr<Kernels> kernels_;
  CudaMachine machine_{0};
  AlignedVector<float> host_values_;
  std::span<float> values_;
  std::span<float> residue_;
  std::span<float> out_;
  std::span<std::byte> payload_;
  std::span<std::byte> indices_;
  std::span<std::byte> workspace_;
  std::span<Outcome> outcome_;
  EventTimer timer_;
  Outcome found_;
  std::size_t payload_bytes_ = 0;
  std::size_t index_bytes_ = 0;
  std::uint64_t step_ = 0;
};

void report(benchmark::State& state) {
  state.SetBytesProcessed(state.iterations() * state.range(0) * static_cast<std::int64_t>(sizeof(float)));
}

void bench(benchmark::State& state, std::string_view name, double (Scene::*step)()) {
  Scene scene(name, static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) state.SetIterationTime((scene.*step)());
  report(state);
  state.counters["wire_bits_per_value"] = scene.wire_bits_per_value();
}

// The yardstick: one read and one write of every element.
void bench_copy(benchmark::State& state) {
  CudaMachine machine(0);
  EventTimer timer;
  const AlignedVector<float> values(static_cast<std::size_t>(state.range(0)));
  const std::span<float> from = machine.upload(std::span<const float>(values));
  const std::span<float> to = machine.upload(std::span<const float>(values));
  for (auto _ : state) {
    timer.begin();
    machine.launcher().copy(from.data(), to.data(), from.size_bytes());
    state.SetIterationTime(timer.end());
  }
  report(state);
}

void register_all() {
  const auto add = [](const std::string& label, auto&&... call) {
    benchmark::RegisterBenchmark(label.c_str(), call...)
        ->Arg(1 << 18)
        ->Arg(1 << 24)
        ->UseManualTime()
        ->Unit(benchmark::kMicrosecond);
  };
  add("copy", bench_copy);
  for (const CompressorEntry& entry : compressor_table()) {
    add(cat(entry.name, "/encode"), bench, entry.name, &Scene::lead);
    add(cat(entry.name, "/decode"), bench, entry.name, &Scene::decode);
    const auto compressor =
        make_compressor(entry.name, {.elements = 1, .kind = LayerKind::kFullyConnected}, Options{});
    if (compressor->exchange() != Exchange::kLeaderIndexed) continue;
    add(cat(entry.name, "/follow"), bench, entry.name, &Scene::follow);
  }
}

}  // namespace
}  // namespace sterna::compressors::gpu

int main(int argc, char** argv) {
  int devices = 0;
  const cudaError_t error = cudaGetDeviceCount(&devices);
  if (error != cudaSuccess || devices == 0) {
    std::printf("skipped: no GPU (%s)\n", cudaGetErrorName(error));
    return 77;
  }
  benchmark::Initialize(&argc, argv);
  sterna::compressors::gpu::register_all();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
