// topk, and scalecom with exact selection (../topk.cc, ../scalecom.cc), as kernels.
//
// Bytes moved an element: 16 read, 4 written; and of each candidate (radix_select.h) 8 written and 12 read,
// six times. scalecom's followers: 8 read, 4 written.
#pragma once

#include "compressors/gpu/element_list.h"
#include "compressors/gpu/radix_select.h"
#include "compressors/settings.h"
#include "runtime/core/errors.h"

namespace sterna::compressors::gpu {

// Where the values of a payload begin.
struct ValuesPlace {
  std::byte* begin;
  unsigned index_bits;
  bool is_behind_indices;  // of `begin` on, as in topk's payload

  STERNA_DEVICE std::byte* at(std::uint32_t elements) const {
    return begin + (is_behind_indices ? bytes_of_fields(elements, index_bits) : 0);
  }
};

// Lists the index, writes the value, and takes what was sent out of the residue.
struct SendLargest {
  std::uint32_t* list;
  ValuesPlace values;

  STERNA_DEVICE void operator()(const Candidates<1>& work, std::size_t candidate, float value,
                                std::uint32_t position) const {
    const std::uint32_t index = work.index[candidate];
    list[position] = index;
    store_32(values.at(work.sides[0].chosen) + 4 * std::size_t{position},
             std::bit_cast<std::uint32_t>(value));
    work.residue[index] = work.before[candidate] - work.beta * work.before[candidate];
  }
};

// topk: lengths. scalecom: the count in front of the indices, too.
struct StoreLengths {
  static constexpr unsigned kThreads = 1;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context&, Shared&, const Side* side, unsigned index_bits, std::byte* count_at,
                                Outcome* outcome) {
    const std::uint64_t sent = side->chosen;
    const std::uint64_t bytes = bytes_of_fields(sent, index_bits);
    if (count_at != nullptr) {
      store_32(count_at, side->chosen);
      *outcome = {.payload_bytes = 4 * sent, .index_bytes = 4 + bytes, .elements_sent = sent};
    } else {
      *outcome = {.payload_bytes = bytes + 4 * sent, .index_bytes = bytes, .elements_sent = sent};
    }
  }
};

// What an encoder of the largest elements works with.
struct LargestParts {
  LargestParts(Workspace& workspace, std::size_t elements, std::size_t k)
      : work(workspace, elements), list(workspace.take<std::uint32_t>(k)) {}

  Candidates<1> work;
  std::uint32_t* list;
};

// Sends the k largest.
//   indices   where their fields go
//   count_at  where their number goes, or null
template <typename Launcher>
void send_largest(Launcher& launch, const LargestParts& parts, std::uint32_t k, std::byte* indices,
                  const ValuesPlace& values, std::byte* count_at, Outcome* outcome) {
  const Candidates<1>& work = parts.work;
  find_largest(launch, work, ChooseAtMost{k});
  launch(ForEachChosen<1, SendLargest>{}, ceil_div(work.tiles(), kBlockWarps), work,
         SendLargest{parts.list, values});
  if (values.index_bits != 0) {
    const ListedElements fields{parts.list, &work.sides[0].chosen, values.index_bits, /*has_signs=*/false};
    launch(PackFields<ListedElements>{}, list_blocks(4 * std::size_t{k}), fields, values.index_bits, indices);
  }
  launch(StoreLengths{}, 1, work.sides, values.index_bits, count_at, outcome);
}

struct TopKValues {
  const std::byte* values;

  STERNA_DEVICE float operator()(const ElementList&, std::size_t i) const {
    return std::bit_cast<float>(load_32(values + 4 * i));
  }
};

template <typename Launcher>
class GpuTopK final : public GpuCompressor<Launcher> {
 public:
  GpuTopK(std::size_t elements, double rate)
      : elements_(elements), k_(kept_elements(elements, rate)), index_bits_(index_bits(elements)) {}

  std::size_t workspace_bytes() const override {
    Workspace workspace;
    static_cast<void>(LargestParts(workspace, elements_, k_));
    return workspace.bytes();
  }

  void enqueue_encode(Launcher& launch, const EncodeBuffers& buffers) const override {
    launch.zero(buffers.outcome, sizeof(Outcome));
    if (elements_ == 0) return;
    Workspace workspace(buffers.workspace);
    LargestParts parts(workspace, elements_, k_);
    parts.work.gradient = buffers.gradient.data();
    parts.work.residue = buffers.residue.data();
    std::byte* const payload = buffers.payload.data();
    send_largest(launch, parts, static_cast<std::uint32_t>(k_), payload,
                 {payload, index_bits_, /*is_behind_indices=*/true}, /*count_at=*/nullptr, buffers.outcome);
  }

  void enqueue_accumulate(Launcher& launch, const DecodeBuffers& buffers) const override {
    launch.zero(buffers.outcome, sizeof(Outcome));
    const std::size_t bytes = buffers.payload.size();
    const std::size_t count = bytes * 8 / (32 + index_bits_);
    if (count > k_ || wire_bytes(count) + 4 * count != bytes) {
      throw WireError(cat("[topk] payload has ", bytes, " bytes: with indices of ", index_bits_,
                          " bits no count of at most ", k_, " elements takes that many"));
    }
    const ElementList list{.data = buffers.payload.data(),
                           .bytes = wire_bytes(count),
                           .known_count = count,
                           .elements = elements_,
                           .index_bits = index_bits_,
                           .field_bits = index_bits_};
    launch(CheckElements{}, list_blocks(count), list, count, count, buffers.outcome);
    launch(AddElements<TopKValues>{}, list_blocks(count), list,
           TopKValues{buffers.payload.data() + wire_bytes(count)}, buffers.out.data(), buffers.outcome);
  }

 private:
  std::size_t wire_bytes(std::size_t count) const { return (count * index_bits_ + 7) / 8; }

  std::size_t elements_;
  std::size_t k_;
  unsigned index_bits_;
};

template <typename Launcher>
class GpuScaleComExact final : public GpuCompressor<Launcher> {
 public:
  GpuScaleComExact(std::size_t elements, double rate, float beta)
      : elements_(elements),
        k_(kept_elements(elements, rate)),
        index_bits_(index_bits(elements)),
        beta_(beta) {}

  std::size_t workspace_bytes() const override {
    Workspace workspace;
    static_cast<void>(LargestParts(workspace, elements_, k_));
    return workspace.bytes();  // and more than a follower's
  }

  void enqueue_encode_as_leader(Launcher& launch, const EncodeBuffers& buffers) const override {
    Workspace workspace(buffers.workspace);
    LargestParts parts(workspace, elements_, k_);
    parts.work.gradient = buffers.gradient.data();
    parts.work.residue = buffers.residue.data();
    parts.work.beta = beta_;
    std::byte* const indices = buffers.index_section.data();
    send_largest(launch, parts, static_cast<std::uint32_t>(k_), indices + 4,
                 {buffers.payload.data(), index_bits_, /*is_behind_indices=*/false}, /*count_at=*/indices,
                 buffers.outcome);
  }

  void enqueue_encode(Launcher& launch, const EncodeBuffers& buffers) const override {
    Workspace workspace(buffers.workspace);
    const ElementList list = checked(launch, buffers.indices, buffers.outcome);
    follow_elements(launch, list, k_, beta_, buffers, workspace.take<float>(k_));
  }

  void enqueue_scatter(Launcher& launch, const DecodeBuffers& buffers) const override {
    scatter_elements(launch, checked(launch, buffers.indices, buffers.outcome), k_, buffers);
  }

 private:
  ElementList checked(Launcher& launch, std::span<const std::byte> indices, Outcome* outcome) const {
    if (indices.size() < 4) {
      throw WireError(
          cat("[scalecom] index section has ", indices.size(), " bytes, expected at least 4 for its count"));
    }
    const ElementList list{.data = indices.data(),
                           .bytes = indices.size(),
                           .elements = elements_,
                           .index_bits = index_bits_,
                           .field_bits = index_bits_,
                           .length = Length::kInFront};
    launch.zero(outcome, sizeof(Outcome));
    // A thread at least: there is a count to be looked at in any case.
    launch(CheckElements{}, std::max(list_blocks(k_), std::size_t{1}), list, std::size_t{0}, k_, outcome);
    return list;
  }

  std::size_t elements_;
  std::size_t k_;
  unsigned index_bits_;
  float beta_;
};

}  // namespace sterna::compressors::gpu
