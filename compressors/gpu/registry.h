// Which compressors have kernels: the definition of make_gpu_compressor(), for the files that instantiate it.
#pragma once

#include <cmath>
#include <utility>

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
void GpuCompressor<Launcher>::check(const EncodeBuffers& buffers) const {
  STERNA_CHECK(buffers.gradient.size() == elements_);
  STERNA_CHECK(buffers.residue.size() == (compressor_->has_residue() ? elements_ : 0));
  STERNA_CHECK(buffers.payload.size() >= compressor_->max_payload_bytes());
  STERNA_CHECK(buffers.workspace.size() >= workspace_bytes());
  STERNA_CHECK(buffers.outcome != nullptr);
}

template <typename Launcher>
void GpuCompressor<Launcher>::check(const DecodeBuffers& buffers) const {
  STERNA_CHECK(buffers.out.size() == elements_);
  STERNA_CHECK(buffers.workspace.size() >= workspace_bytes());
  STERNA_CHECK(buffers.outcome != nullptr);
}

inline void check_pattern(bool has_step, std::string_view step) {
  if (!has_step)
    throw InternalError(cat("[gpu] ", step, "(): this compressor's exchange pattern has no such step"));
}

template <typename Launcher>
void GpuCompressor<Launcher>::encode(Launcher& launch, const EncodeBuffers& buffers) const {
  check(buffers);
  enqueue_encode(launch, buffers);
}

template <typename Launcher>
void GpuCompressor<Launcher>::encode_as_leader(Launcher& launch, const EncodeBuffers& buffers) const {
  check_pattern(compressor_->exchange() == Exchange::kLeaderIndexed, "encode_as_leader");
  check(buffers);
  STERNA_CHECK(buffers.index_section.size() >= compressor_->max_index_bytes());
  enqueue_encode_as_leader(launch, buffers);
}

template <typename Launcher>
void GpuCompressor<Launcher>::accumulate(Launcher& launch, const DecodeBuffers& buffers) const {
  check_pattern(compressor_->exchange() == Exchange::kGathered, "accumulate");
  check(buffers);
  enqueue_accumulate(launch, buffers);
}

template <typename Launcher>
void GpuCompressor<Launcher>::scatter(Launcher& launch, const DecodeBuffers& buffers) const {
  check_pattern(compressor_->exchange() != Exchange::kGathered, "scatter");
  check(buffers);
  enqueue_scatter(launch, buffers);
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
  std::unique_ptr<Compressor> compressor = make_compressor(name, shape, options);  // checks name and settings
  constexpr std::size_t kMaxElements = std::size_t{1} << 31;
  if (shape.elements > kMaxElements) {
    throw ConfigError(cat("[gpu] elements of a layer = ", shape.elements, ": must be at most ", kMaxElements,
                          ", so that an index and a sign fit 32 bits; split the parameter"));
  }
  for (const GpuEntry<Launcher>& entry : kGpuCompressors<Launcher>) {
    if (entry.name != name) continue;
    std::unique_ptr<GpuCompressor<Launcher>> kernels = entry.make(shape, options);
    kernels->compressor_ = std::move(compressor);
    kernels->elements_ = shape.elements;
    return kernels;
  }
  return nullptr;
}

}  // namespace sterna::compressors::gpu
