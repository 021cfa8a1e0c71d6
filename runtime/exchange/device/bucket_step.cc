#include "runtime/exchange/device/bucket_step.h"

#include "runtime/core/errors.h"

namespace sterna::exchange {

std::vector<LayerKernels> make_kernels(std::span<const Layer> layers) {
  using compressors::gpu::make_gpu_compressor;
  std::vector<LayerKernels> kernels;
  for (const Layer& layer : layers) {
    const CompressorPlan& plan = layer.plan;
    kernels.push_back(
        {.configured = make_gpu_compressor<device::StreamLauncher>(plan.name, plan.shape, plan.settings),
         .dense = make_gpu_compressor<device::StreamLauncher>("none", plan.shape, plan.settings)});
    if (kernels.back().configured) continue;
    throw ConfigError(cat("[exchange] compressor = ", plan.name,
                          " on a GPU: it has no kernels; try adacomp, scalecom, topk or none"));
  }
  return kernels;
}

DeviceSite::DeviceSite(collectives::Communicator& communicator, std::size_t parameters,
                       std::size_t local_learners, std::size_t upload_bytes)
    : comm(communicator),
      stream(collectives::device_stream_of(communicator)),
      launch(stream.stream()),
      link(stream, parameters, local_learners, upload_bytes),
      workspace(stream),
      outcomes(stream),
      payloads(stream) {}

std::span<float> DeviceBucketStep::residue(std::size_t local_learner, const Layer& layer) const {
  if (!active(layer).compressor().has_residue()) return {};
  const tensor::Parameter& parameter = table[layer.parameter];
  return {residues[local_learner] + parameter.offset, parameter.elements};
}

compressors::gpu::EncodeBuffers DeviceBucketStep::encoding(DeviceSite& site, std::size_t local_learner,
                                                           const Layer& layer) const {
  return {.gradient = gradient(local_learner, layer),
          .residue = residue(local_learner, layer),
          .workspace = site.workspace.take(active(layer).workspace_bytes())};
}

void DeviceBucketStep::hand_round_mean(DeviceSite& site, const Layer& layer) const {
  const std::span<const float> mean = mean_of(layer);
  for (std::size_t other = 1; other < local.count; ++other) {
    site.launch.copy(mean.data(), gradient(other, layer).data(), mean.size_bytes());
  }
}

void require_accepted(const HostLink& link, const tensor::ParameterTable& table, std::uint64_t step,
                      const LocalLearners& local, std::span<Layer* const> layers) {
  for (std::uint32_t learner = 0; learner < local.count; ++learner) {
    for (const Layer* layer : layers) {
      if (!link.was_not_finite(layer->parameter, learner)) continue;
      throw not_finite(step, table[layer->parameter].name, local.first + learner);
    }
  }
  for (const Layer* layer : layers) {
    const std::uint32_t refusal = link.was_refused(layer->parameter);
    if (refusal == 0) continue;
    throw WireError(cat("[exchange] step ", step, ", layer ", table[layer->parameter].name, ": ",
                        layer->active().exchange() == compressors::Exchange::kGathered
                            ? cat("the payload of learner ", refusal - 1)
                            : std::string("the leader's index section"),
                        " is none that an encoder writes; do all ranks run the same build and settings?"));
  }
}

}  // namespace sterna::exchange
