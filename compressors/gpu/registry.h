// Which compressors have kernels: the definition of make_gpu_compressor(), for the files that instantiate it.
#pragma once

#include <cmath>

#include "compressors/gpu/adacomp.h"
#include "compressors/gpu/dense.h"
#include "compressors/gpu/dryden.h"
#include "compressors/gpu/largest_elements.h"
#include "compressors/gpu/ls.h"
#include "compressors/gpu/randomk.h"
#include "compressors/gpu/scalecom_chunks.h"
#include "compressors/gpu/strom.h"

namespace sterna::compressors::gpu {

template <typename Launcher>
void GpuCompressor<Launcher>::encode_as_leader(Launcher&, const EncodeBuffers&) const {
  throw InternalError("[gpu] encode_as_leader(): this compressor's exchange pattern has no such step");
}
template <typename Launcher>
void GpuCompressor<Launcher>::accumulate(Launcher&, const DecodeBuffers&) const {
  throw InternalError("[gpu] accumulate(): this compressor's exchange pattern has no such step");
}
template <typename Launcher>
void GpuCompressor<Launcher>::scatter(Launcher&, const DecodeBuffers&) const {
  throw InternalError("[gpu] scatter(): this compressor's exchange pattern has no such step");
}

template <typename Launcher>
struct GpuEntry {
  std::string_view name;
  std::unique_ptr<GpuCompressor<Launcher>> (*make)(const LayerShape&, const Options&);
};

template <ValueFormat kFormat, typename Launcher>
std::unique_ptr<GpuCompressor<Launcher>> make_gpu_dense(const LayerShape& shape, const Options&) {
  return std::make_unique<GpuDense<kFormat, Launcher>>(shape.elements);
}

template <typename Launcher>
std::unique_ptr<GpuCompressor<Launcher>> make_gpu_adacomp(const LayerShape& shape, const Options& options) {
  constexpr std::uint32_t kMaxBinOfBytes = 1u << kernels::kIndexBits<std::uint8_t>;
  const auto length = static_cast<std::uint32_t>(bin_elements("adacomp", shape, options));
  if (length <= kMaxBinOfBytes) {
    return std::make_unique<GpuAdaComp<std::uint8_t, Launcher>>(shape.elements, length);
  }
  return std::make_unique<GpuAdaComp<std::uint16_t, Launcher>>(shape.elements, length);
}

template <typename Launcher>
std::unique_ptr<GpuCompressor<Launcher>> make_gpu_scalecom(const LayerShape& shape, const Options& options) {
  const auto chunk_elements = static_cast<std::uint32_t>(std::lround(options.rate));
  if (options.selection == Selection::kExact) {
    return std::make_unique<GpuScaleComExact<Launcher>>(shape.elements, chunk_elements, options.beta);
  }
  return std::make_unique<GpuScaleComChunks<Launcher>>(shape.elements, chunk_elements, options.beta);
}

template <typename Launcher>
std::unique_ptr<GpuCompressor<Launcher>> make_gpu_ls(const LayerShape& shape, const Options& options) {
  const auto length = static_cast<std::uint32_t>(bin_elements("ls", shape, options));
  return std::make_unique<GpuLocalSelection<Launcher>>(shape.elements, length);
}

// Of a method that takes the length of a layer and one setting.
template <typename Method, auto kSetting, typename Launcher>
std::unique_ptr<GpuCompressor<Launcher>> make_gpu_with(const LayerShape& shape, const Options& options) {
  return std::make_unique<Method>(shape.elements, options.*kSetting);
}

template <typename Launcher>
inline constexpr GpuEntry<Launcher> kGpuCompressors[] = {
    {"adacomp", make_gpu_adacomp<Launcher>},
    {"bf16", make_gpu_dense<ValueFormat::kBfloat16, Launcher>},
    {"dryden", make_gpu_with<GpuDryden<Launcher>, &Options::rate, Launcher>},
    {"fp16", make_gpu_dense<ValueFormat::kFloat16, Launcher>},
    {"ls", make_gpu_ls<Launcher>},
    {"none", make_gpu_dense<ValueFormat::kFloat32, Launcher>},
    {"randomk", make_gpu_with<GpuRandomK<Launcher>, &Options::rate, Launcher>},
    {"scalecom", make_gpu_scalecom<Launcher>},
    {"strom", make_gpu_with<GpuStrom<Launcher>, &Options::threshold, Launcher>},
    {"topk", make_gpu_with<GpuTopK<Launcher>, &Options::rate, Launcher>},
};

template <typename Launcher>
std::unique_ptr<GpuCompressor<Launcher>> make_gpu_compressor(std::string_view name, const LayerShape& shape,
                                                             const Options& options) {
  static_cast<void>(make_compressor(name, shape, options));  // checks name and settings
  constexpr std::size_t kMaxElements = std::size_t{1} << 31;
  if (shape.elements > kMaxElements) {
    throw ConfigError(cat("[gpu] elements of a layer = ", shape.elements, ": must be at most ", kMaxElements,
                          ", so that an index and a sign fit 32 bits; split the parameter"));
  }
  for (const GpuEntry<Launcher>& entry : kGpuCompressors<Launcher>) {
    if (entry.name == name) return entry.make(shape, options);
  }
  return nullptr;
}

}  // namespace sterna::compressors::gpu
