// A compressor's kernels on the engine, called as the compressor itself is: what the tests of kernels share.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <vector>

#include "compressors/gpu/gpu_compressor.h"
#include "runtime/core/aligned_vector.h"
#include "runtime/core/errors.h"
#include "runtime/device/host_context.h"
#include "tests/compressors/encoding.h"

namespace sterna::compressors::gpu {

using Kernels = GpuCompressor<device::HostLauncher>;

inline std::unique_ptr<Kernels> make_kernels(std::string_view name, const LayerShape& shape,
                                             const Options& options) {
  return make_gpu_compressor<device::HostLauncher>(name, shape, options);
}

// Buffers as long as what they are for, in memory that the address sanitizer knows the ends of, and full of
// what an earlier layer may have left there.
class OnEngine {
 public:
  OnEngine(const Compressor& compressor, const Kernels& kernels, std::uint64_t seed)
      : compressor_(compressor), kernels_(kernels), launch_({.seed = seed}) {}

  // As send() of encoding.h, but for the shared indices of a kSummed method, which are handed in.
  Sent send(const Values& gradient, Values& residue, const Bytes& indices) {
    Bytes payload(compressor_.max_payload_bytes(), kGuard);
    Bytes section(compressor_.exchange() == Exchange::kLeaderIndexed ? compressor_.max_index_bytes() : 0,
                  kGuard);
    const EncodeBuffers buffers{.gradient = gradient,
                                .residue = residue,
                                .indices = indices,
                                .index_section = section,
                                .payload = payload,
                                .workspace = workspace(),
                                .outcome = &outcome_};
    if (compressor_.exchange() == Exchange::kLeaderIndexed) {
      kernels_.encode_as_leader(launch_, buffers);
      section.resize(outcome_.index_bytes);
    } else {
      kernels_.encode(launch_, buffers);
      section = indices;
    }
    EXPECT_EQ(outcome_.is_refused, 0u);
    payload.resize(outcome_.payload_bytes);
    return {section, payload, outcome_.elements_sent};
  }

  // Throws WireError where the indices are refused.
  Sent follow(const Values& gradient, Values& residue, const Bytes& indices) {
    Bytes payload(compressor_.max_payload_bytes(), kGuard);
    kernels_.encode(launch_, {.gradient = gradient,
                              .residue = residue,
                              .indices = indices,
                              .payload = payload,
                              .workspace = workspace(),
                              .outcome = &outcome_});
    require_taken();
    payload.resize(outcome_.payload_bytes);
    return {indices, payload, outcome_.elements_sent};
  }

  // out += decode(payload); out becomes the values at the indices. Throw WireError where bytes are refused.
  void accumulate(const Bytes& payload, Values& out) {
    kernels_.accumulate(launch_,
                        {.payload = payload, .out = out, .workspace = workspace(), .outcome = &outcome_});
    require_taken();
  }
  void scatter(const Bytes& indices, const Values& values, Values& out) {
    kernels_.scatter(
        launch_,
        {.indices = indices, .values = values, .out = out, .workspace = workspace(), .outcome = &outcome_});
    require_taken();
  }

  const Outcome& outcome() const { return outcome_; }

 private:
  std::span<std::byte> workspace() {
    // Aligned as cudaMalloc aligns, and of the heap.
    constexpr std::size_t kAlignment = 256;
    memory_ = Bytes(kernels_.workspace_bytes() + kAlignment, std::byte{0xff});
    void* begin = memory_.data();
    std::size_t space = memory_.size();
    std::align(kAlignment, kernels_.workspace_bytes(), begin, space);
    return {static_cast<std::byte*>(begin), kernels_.workspace_bytes()};
  }

  void require_taken() const {
    if (outcome_.is_refused != 0) throw WireError("refused by kernels");
  }

  const Compressor& compressor_;
  const Kernels& kernels_;
  device::HostLauncher launch_;
  Bytes memory_;
  Outcome outcome_;
};

// The bits of values, to be compared: -0 is not 0, and a NaN equals itself.
inline std::vector<std::uint32_t> bits_of(const Values& values) {
  std::vector<std::uint32_t> bits(values.size());
  if (!values.empty()) std::memcpy(bits.data(), values.data(), values.size() * sizeof(float));
  return bits;
}

}  // namespace sterna::compressors::gpu
