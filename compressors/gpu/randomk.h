// randomk (../randomk.cc) as kernels. The indices are those that write_shared_indices() of the compressor
// draws: one after the other, so by a CPU, once for all learners, and then copied to the device.
//
// Bytes moved an element: 8 read, 4 written; and of each of the k sent ones its index three times, 8 read and
// 8 written.
#pragma once

#include "compressors/gpu/element_list.h"
#include "compressors/gpu/workspace.h"
#include "compressors/settings.h"
#include "runtime/core/errors.h"

namespace sterna::compressors::gpu {

template <typename Launcher>
class GpuRandomK final : public GpuCompressor<Launcher> {
 public:
  GpuRandomK(std::size_t elements, double rate) : elements_(elements), k_(kept_elements(elements, rate)) {}

  std::size_t workspace_bytes() const override {
    Workspace workspace;
    workspace.take<float>(k_);
    return workspace.bytes();
  }

  void enqueue_encode(Launcher& launch, const EncodeBuffers& buffers) const override {
    Workspace workspace(buffers.workspace);
    const ElementList list = checked(launch, buffers.indices, buffers.outcome);
    // With beta 1 what was sent leaves 0: before - before.
    follow_elements(launch, list, k_, /*beta=*/1.0f, buffers, workspace.take<float>(k_));
  }

  void enqueue_scatter(Launcher& launch, const DecodeBuffers& buffers) const override {
    scatter_elements(launch, checked(launch, buffers.indices, buffers.outcome), k_, buffers);
  }

 private:
  ElementList checked(Launcher& launch, std::span<const std::byte> indices, Outcome* outcome) const {
    constexpr unsigned kIndexBits = 32;
    if (indices.size() != 4 * k_) {
      throw WireError(cat("[randomk] index section has ", indices.size(), " bytes, expected ", 4 * k_));
    }
    const ElementList list{.data = indices.data(),
                           .bytes = indices.size(),
                           .known_count = k_,
                           .elements = elements_,
                           .index_bits = kIndexBits,
                           .field_bits = kIndexBits};
    launch.zero(outcome, sizeof(Outcome));
    launch(CheckElements{}, list_blocks(k_), list, k_, k_, outcome);
    return list;
  }

  std::size_t elements_;
  std::size_t k_;
};

}  // namespace sterna::compressors::gpu
