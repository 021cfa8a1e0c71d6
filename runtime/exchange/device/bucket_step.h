// What one bucket's exchange on a device works on and with. Internal to the exchange on a device.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "compressors/gpu/gpu_compressor.h"
#include "runtime/collectives/communicator.h"
#include "runtime/device/stream_launcher.h"
#include "runtime/exchange/device/host_link.h"
#include "runtime/exchange/device/rooms.h"
#include "runtime/exchange/layer.h"
#include "runtime/wire/message.h"

namespace sterna::exchange {

// A layer's compressors as kernels.
struct LayerKernels {
  using Kernels = compressors::gpu::GpuCompressor<device::StreamLauncher>;

  std::unique_ptr<Kernels> configured;
  std::unique_ptr<Kernels> dense;

  [[nodiscard]] const Kernels& active(const Layer& layer) const { return layer.is_on ? *configured : *dense; }
};

// Throws ConfigError where a layer's compressor has no kernels for it.
[[nodiscard]] std::vector<LayerKernels> make_kernels(std::span<const Layer> layers);

// The device, and what parts of an exchange share there. All work is enqueued on one stream, the
// communicator's, in the order of the calls, and so rooms serve one layer after the other.
struct DeviceSite {
  DeviceSite(collectives::Communicator& communicator, std::size_t parameters, std::size_t local_learners,
             std::size_t upload_bytes);

  collectives::Communicator& comm;
  collectives::DeviceStream& stream;
  device::StreamLauncher launch;
  HostLink link;
  DeviceRoom workspace;
  DeviceRoom outcomes;  // of a layer's learners
  DeviceRoom payloads;  // of a layer's local learners
};

// One call of reduce_to_mean for one bucket. Gradients and residues lie in device memory.
struct DeviceBucketStep {
  const tensor::ParameterTable& table;
  std::uint32_t bucket;
  std::uint64_t step;
  std::uint32_t learners;  // L
  std::uint32_t leader;    // of this step
  LocalLearners local;
  bool sum_in_any_order;
  std::span<Layer* const> layers;         // of the bucket, in its order
  std::span<const LayerKernels> kernels;  // by parameter
  std::span<float* const> gradients;      // [local learners * parameters]; becomes the mean
  std::span<float* const> residues;       // arenas, by local learner; null if there are none

  [[nodiscard]] const LayerKernels::Kernels& active(const Layer& layer) const {
    return kernels[layer.parameter].active(layer);
  }
  [[nodiscard]] std::span<float> gradient(std::size_t local_learner, const Layer& layer) const {
    return {gradients[local_learner * table.size() + layer.parameter], table[layer.parameter].elements};
  }
  // Empty where the layer's compressor keeps none.
  [[nodiscard]] std::span<float> residue(std::size_t local_learner, const Layer& layer) const;

  [[nodiscard]] compressors::StepKey key(std::size_t local_learner, const Layer& layer) const {
    return step_key(step, local, local_learner, layer);
  }

  // What encode() of this layer and learner takes; the payload and the outcome are the caller's.
  [[nodiscard]] compressors::gpu::EncodeBuffers encoding(DeviceSite& site, std::size_t local_learner,
                                                         const Layer& layer) const;

  // Where the layer's mean is written.
  [[nodiscard]] std::span<float> mean_of(const Layer& layer) const { return gradient(0, layer); }
  // Enqueues copies of it to the gradients of the other local learners.
  void hand_round_mean(DeviceSite& site, const Layer& layer) const;
};

// Throws DivergedError if a gradient of these layers was not finite, WireError if something of theirs was
// refused, as the host last learned of them.
void require_accepted(const HostLink& link, const tensor::ParameterTable& table, std::uint64_t step,
                      const LocalLearners& local, std::span<Layer* const> layers);

}  // namespace sterna::exchange
