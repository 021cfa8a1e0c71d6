// Seconds and gradient bytes per second of encoding, leading and decoding, and bits on the wire for each
// gradient value, for every registered compressor and layer kind, beside an in-place addition of the same
// length.
//   build/release/tests/bench/compressor_bench --benchmark_filter=16777216
// One thread. Gradients are normal and differ from step to step, and residues are in their steady state;
// messages and collectives are not in it. Above a few MiB the times are those of the memory, below it those
// of the loops.
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "compressors/compressor.h"
#include "compressors/decode.h"
#include "runtime/core/aligned_vector.h"
#include "runtime/core/errors.h"
#include "runtime/core/rng.h"

namespace sterna::compressors {
namespace {

// AdaComp with bins of 500 sends 6 of a bin at a step: an element's turn comes after about 80 steps.
constexpr int kWarmUpSteps = 100;
// Strom's: of normal gradients about 1 of 100 elements is sent then, as by the methods with a rate.
constexpr float kThreshold = 10.0f;
// A step's gradient is a window of the values, 64-byte aligned; 4096 windows pass before one comes again.
constexpr std::size_t kWindows = 4096;
constexpr std::size_t kWindowShift = 16;

AlignedVector<float> normal_values(std::size_t n, std::uint64_t seed) {
  AlignedVector<float> values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = random_normal({.seed = seed}, i);
  return values;
}

// One compressor and one layer, with a new gradient at each step.
class Scene {
 public:
  Scene(std::string_view name, LayerKind kind, std::size_t n)
      : compressor_(make_compressor(name, {.elements = n, .kind = kind}, Options{.threshold = kThreshold})),
        elements_(n),
        values_(normal_values(n + kWindows * kWindowShift, /*seed=*/1)),
        residue_(compressor_->has_residue() ? n : 0),
        indices_(compressor_->max_index_bytes()),
        payload_(compressor_->max_payload_bytes()) {
    verify();
    for (int step = 0; step < kWarmUpSteps; ++step) lead();
  }

  const Compressor& compressor() const { return *compressor_; }
  bool is_leader_indexed() const { return compressor_->exchange() == Exchange::kLeaderIndexed; }
  std::size_t payload_bytes() const { return payload_bytes_; }
  std::size_t wire_bytes() const { return (is_leader_indexed() ? index_bytes_ : 0) + payload_bytes_; }

  // Encodes with the next gradient, as the leader where there is one.
  void lead() {
    const std::span<const float> gradient = gradient_at(step_);
    const StepKey key{.step = step_++};
    if (is_leader_indexed()) {
      const LeaderEncoded encoded =
          compressor_->encode_as_leader(gradient, residue_, key, indices_, payload_);
      index_bytes_ = encoded.index_bytes;
      payload_bytes_ = encoded.payload_bytes;
    } else {
      index_bytes_ = compressor_->write_shared_indices(key, indices_);
      payload_bytes_ = compressor_->encode(gradient, residue_, indices(), key, payload_).payload_bytes;
    }
  }

  // Encodes at the indices that the last lead() chose.
  void follow() {
    const std::span<const float> gradient = gradient_at(step_);
    payload_bytes_ =
        compressor_->encode(gradient, residue_, indices(), {.step = step_++}, payload_).payload_bytes;
  }

  // Throws WireError where the payload is malformed.
  void decode_into(std::span<float> out) {
    decode(*compressor_, indices(), std::span(payload_).first(payload_bytes_), scratch_, out);
  }

 private:
  std::span<const std::byte> indices() const { return std::span(indices_).first(index_bytes_); }

  // The stride, prime to the number of windows, keeps neighbouring steps' windows apart.
  std::span<const float> gradient_at(std::uint64_t step) const {
    return std::span(values_).subspan(step * 1031 % kWindows * kWindowShift, elements_);
  }

  // What is decoded and what is held back make up the gradient, within 1 % of it: exactness is the tests'
  // matter.
  void verify() {
    lead();
    const std::span<const float> gradient = gradient_at(/*step=*/0);
    AlignedVector<float> decoded(elements_);
    decode_into(decoded);
    for (std::size_t i = 0; i < decoded.size(); ++i) {
      const float whole = decoded[i] + (residue_.empty() ? 0.0f : residue_[i]);
      const float expected = gradient[i];
      if (!(std::abs(whole - expected) <= 0.01f * std::abs(expected) + 1e-6f)) {
        throw std::runtime_error(cat("element ", i, " is ", whole, ", expected ", expected));
      }
    }
  }

  std::unique_ptr<Compressor> compressor_;
  std::size_t elements_;
  AlignedVector<float> values_;
  AlignedVector<float> residue_;
  std::vector<std::byte> indices_;
  std::vector<std::byte> payload_;
  AlignedVector<float> scratch_;
  std::size_t index_bytes_ = 0;
  std::size_t payload_bytes_ = 0;
  std::uint64_t step_ = 0;
};

void report(benchmark::State& state, const Scene& scene) {
  const auto n = static_cast<double>(state.range(0));
  state.SetBytesProcessed(state.iterations() * state.range(0) * static_cast<std::int64_t>(sizeof(float)));
  state.counters["wire_bits_per_value"] = 8.0 * static_cast<double>(scene.wire_bytes()) / n;
}

void bench_encode(benchmark::State& state, std::string_view name, LayerKind kind) {
  Scene scene(name, kind, static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    scene.lead();
    benchmark::ClobberMemory();
  }
  report(state, scene);
}

void bench_follow(benchmark::State& state, std::string_view name, LayerKind kind) {
  Scene scene(name, kind, static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    scene.follow();
    benchmark::ClobberMemory();
  }
  report(state, scene);
}

void bench_decode(benchmark::State& state, std::string_view name, LayerKind kind) {
  Scene scene(name, kind, static_cast<std::size_t>(state.range(0)));
  AlignedVector<float> out(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    scene.decode_into(out);
    benchmark::ClobberMemory();
  }
  report(state, scene);
}

// The yardstick: two reads and one write of every element.
void bench_addition(benchmark::State& state) {
  const auto n = static_cast<std::size_t>(state.range(0));
  AlignedVector<float> sum(n);
  const AlignedVector<float> addend = normal_values(n, /*seed=*/1);
  for (auto _ : state) {
    for (std::size_t i = 0; i < n; ++i) sum[i] += addend[i];
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * state.range(0) * static_cast<std::int64_t>(sizeof(float)));
}

void add_sizes(benchmark::internal::Benchmark* bench) {
  bench->Arg(1 << 12)->Arg(1 << 18)->Arg(1 << 24)->Unit(benchmark::kMicrosecond);
}

void register_all() {
  add_sizes(benchmark::RegisterBenchmark("in_place_addition", bench_addition));
  for (const CompressorEntry& entry : compressor_table()) {
    for (const LayerKind kind : {LayerKind::kConvolution, LayerKind::kFullyConnected}) {
      const std::string label = cat(entry.name, kind == LayerKind::kConvolution ? "/conv" : "/fc");
      add_sizes(benchmark::RegisterBenchmark((label + "/encode").c_str(), bench_encode, entry.name, kind));
      add_sizes(benchmark::RegisterBenchmark((label + "/decode").c_str(), bench_decode, entry.name, kind));
      const auto compressor = make_compressor(entry.name, {.elements = 1, .kind = kind}, Options{});
      if (compressor->exchange() != Exchange::kLeaderIndexed) continue;
      add_sizes(benchmark::RegisterBenchmark((label + "/follow").c_str(), bench_follow, entry.name, kind));
    }
  }
}

}  // namespace
}  // namespace sterna::compressors

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  sterna::compressors::register_all();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
