// none, fp16, bf16 (../dense.cc) as kernels. Bytes moved an element: 4 read, 4 or 2 written.
#pragma once

#include "compressors/gpu/gpu_compressor.h"
#include "compressors/gpu/sums.h"
#include "runtime/core/errors.h"

namespace sterna::compressors::gpu {

// Rounds to the format; what is beyond its largest value becomes that.
template <ValueFormat kFormat>
struct PackValues {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, const float* gradient, std::size_t elements,
                                float largest, std::byte* payload) {
    const std::size_t i = grid_thread(context);
    if (i >= elements) return;
    float value = gradient[i];
    if (value < -largest) value = -largest;
    if (value > largest) value = largest;
    store_value<kFormat>(value, payload, i);
  }
};

// The outcome of an encoding whose lengths its caller knows.
struct StoreOutcome {
  static constexpr unsigned kThreads = 1;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context&, Shared&, Outcome outcome, Outcome* out) {
    *out = outcome;
  }
};

template <ValueFormat kFormat, typename Launcher>
class GpuDense final : public GpuCompressor<Launcher> {
 public:
  explicit GpuDense(std::size_t elements) : elements_(elements) {}

  std::size_t workspace_bytes() const override { return 0; }

  void enqueue_encode(Launcher& launch, const EncodeBuffers& buffers) const override {
    refuse_indices(buffers.indices);
    const std::size_t bytes = elements_ * numerics::bytes_per_value(kFormat);
    if constexpr (kFormat == ValueFormat::kFloat32) {
      launch.copy(buffers.gradient.data(), buffers.payload.data(), bytes);
    } else {
      const float largest = kFormat == ValueFormat::kFloat16 ? numerics::float32_from_float16(0x7bff)
                                                             : numerics::float32_from_bfloat16(0x7f7f);
      launch(PackValues<kFormat>{}, ceil_div(elements_, kBlockThreads), buffers.gradient.data(), elements_,
             largest, buffers.payload.data());
    }
    launch(StoreOutcome{}, 1, Outcome{.payload_bytes = bytes, .elements_sent = elements_}, buffers.outcome);
  }

  void enqueue_scatter(Launcher& launch, const DecodeBuffers& buffers) const override {
    refuse_indices(buffers.indices);
    STERNA_CHECK(buffers.values.size() == elements_);
    launch.copy(buffers.values.data(), buffers.out.data(), elements_ * sizeof(float));
    launch.zero(buffers.outcome, sizeof(Outcome));
  }

 private:
  static void refuse_indices(std::span<const std::byte> indices) {
    if (indices.empty()) return;
    throw WireError(cat("[dense] index section has ", indices.size(), " bytes, expected none"));
  }

  std::size_t elements_;
};

}  // namespace sterna::compressors::gpu
