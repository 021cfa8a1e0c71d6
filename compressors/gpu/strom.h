// strom (../strom.cc) as kernels. Bytes moved an element: 8 read, 4 written; and of each sent one 20 and its
// code.
#pragma once

#include "compressors/gpu/counts.h"
#include "compressors/gpu/element_list.h"
#include "compressors/gpu/tile_ranks.h"
#include "compressors/gpu/workspace.h"
#include "compressors/settings.h"
#include "runtime/core/errors.h"

namespace sterna::compressors::gpu {

// residue += gradient, less tau where that is reached; lists what is sent at the front of each tile's part.
struct FindBeyond {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = TileVotes;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared& shared, std::size_t elements, float threshold,
                                const float* gradient, float* residue, std::uint32_t* of_tiles,
                                std::uint32_t* counts) {
    bool is_sent[kTileRows];
    bool is_below[kTileRows];
    for (unsigned row = 0; row < kTileRows; ++row) {
      const std::size_t i = tile_element(context, row);
      const float sum = i < elements ? residue[i] + gradient[i] : 0.0f;
      // A pattern of bits, as the CPU has it: NaNs are beyond.
      is_sent[row] = i < elements && magnitude_bits(sum) >= std::bit_cast<std::uint32_t>(threshold);
      is_below[row] = is_negative(sum);
      const float kept = is_below[row] ? sum - -threshold : sum - threshold;
      if (i < elements) residue[i] = is_sent[row] ? kept : sum;
    }
    count_votes(context, shared, is_sent);
    for (unsigned row = 0; row < kTileRows; ++row) {
      if (!is_sent[row]) continue;
      const auto index = static_cast<std::uint32_t>(tile_element(context, row));
      of_tiles[context.block() * std::size_t{kTileElements} + tile_rank(context, shared, row)] =
          index | (is_below[row] ? 0x80000000 : 0);
    }
    if (context.thread() == 0) counts[context.block()] = shared.total;
  }
};

// The count in front of signs, and the outcome, where anything is sent.
//   front_bytes  before the signs
struct StoreSignCount {
  static constexpr unsigned kThreads = 1;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context&, Shared&, const std::uint32_t* number, unsigned field_bits,
                                std::byte* payload, Outcome* outcome) {
    const std::uint32_t sent = *number;
    if (sent == 0) return;
    store_32(payload, sent);
    const std::uint64_t bytes = 4 + bytes_of_fields(sent, field_bits);
    *outcome = {.payload_bytes = bytes, .index_bytes = bytes, .elements_sent = sent};
  }
};

struct StromValues {
  float threshold;

  STERNA_DEVICE float operator()(const ElementList& list, std::size_t i) const {
    return list.is_negative(i) ? -threshold : threshold;
  }
};

template <typename Launcher>
class GpuStrom final : public GpuCompressor<Launcher> {
 public:
  GpuStrom(std::size_t elements, float threshold)
      : elements_(elements), index_bits_(index_bits(elements)), threshold_(threshold) {}

  std::size_t workspace_bytes() const override {
    Workspace workspace;
    static_cast<void>(Parts(workspace, elements_));
    return workspace.bytes();
  }

  void enqueue_encode(Launcher& launch, const EncodeBuffers& buffers) const override {
    Workspace workspace(buffers.workspace);
    const Parts parts(workspace, elements_);
    const std::size_t tiles = tiles_of(elements_);
    launch.zero(buffers.outcome, sizeof(Outcome));
    if (tiles == 0) return;
    launch(FindBeyond{}, tiles, elements_, threshold_, buffers.gradient.data(), buffers.residue.data(),
           parts.of_tiles, parts.counts);
    launch(SumCountsBefore{}, 1, parts.counts, tiles);
    launch(JoinTiles{}, ceil_div(tiles, kBlockWarps), parts.of_tiles, parts.counts, tiles, parts.list);
    const ListedElements fields{parts.list, parts.counts + tiles, index_bits_, /*has_signs=*/true};
    launch(PackFields<ListedElements>{}, list_blocks(4 * elements_), fields, index_bits_ + 1,
           buffers.payload.data() + 4);
    launch(StoreSignCount{}, 1, parts.counts + tiles, index_bits_ + 1, buffers.payload.data(),
           buffers.outcome);
  }

  void enqueue_accumulate(Launcher& launch, const DecodeBuffers& buffers) const override {
    launch.zero(buffers.outcome, sizeof(Outcome));
    if (buffers.payload.empty()) return;
    const ElementList list{.data = buffers.payload.data(),
                           .bytes = buffers.payload.size(),
                           .elements = elements_,
                           .index_bits = index_bits_,
                           .field_bits = index_bits_ + 1,
                           .length = Length::kInFront};
    const std::size_t blocks = std::max(list_blocks(elements_), std::size_t{1});
    launch(CheckElements{}, blocks, list, std::size_t{1}, elements_, buffers.outcome);
    launch(AddElements<StromValues>{}, blocks, list, StromValues{threshold_}, buffers.out.data(),
           buffers.outcome);
  }

 private:
  struct Parts {
    Parts(Workspace& workspace, std::size_t elements)
        : of_tiles(workspace.take<std::uint32_t>(tiles_of(elements) * kTileElements)),
          list(workspace.take<std::uint32_t>(elements)),
          counts(workspace.take<std::uint32_t>(counts_room(tiles_of(elements)))) {}

    std::uint32_t* of_tiles;
    std::uint32_t* list;
    std::uint32_t* counts;
  };

  std::size_t elements_;
  unsigned index_bits_;
  float threshold_;
};

}  // namespace sterna::compressors::gpu
