// scalecom (../scalecom.cc) with selection by chunks, as kernels.
//
// Bytes moved an element: 8 read, 4 written, by leader and followers alike; and a chunk: 8 written and 8 or
// more read again by the leader, and its field and value.
#pragma once

#include "compressors/gpu/chunks.h"
#include "compressors/gpu/gpu_compressor.h"
#include "compressors/gpu/workspace.h"

namespace sterna::compressors::gpu {

// Values of the chunks in which something was chosen, in a row; a thread for each chunk.
//   begins  where each group's values go, and behind the last how many there are
struct JoinChunkValues {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, Chunks chunks, const std::uint32_t* offsets,
                                const float* values, const std::uint32_t* begins, std::uint64_t index_bytes,
                                float* payload, Outcome* outcome) {
    const std::size_t chunk = grid_thread(context);
    if (chunk == 0) {
      const std::uint64_t sent = begins[chunks.groups()];
      *outcome = {.payload_bytes = sent * sizeof(float), .index_bytes = index_bytes, .elements_sent = sent};
    }
    if (chunk >= chunks.count() || offsets[chunk] == chunks.length) return;
    std::size_t at = begins[chunk / kBlockWarps];
    for (std::size_t before = chunk / kBlockWarps * kBlockWarps; before < chunk; ++before) {
      at += offsets[before] != chunks.length ? 1 : 0;
    }
    payload[at] = values[chunk];
  }
};

// What a chunk's field says: an offset, or the chunk length: all zero. `bits` is bit_width(chunk length).
STERNA_DEVICE std::uint32_t chunk_offset(const std::byte* indices, std::size_t chunk, unsigned bits) {
  return static_cast<std::uint32_t>(read_field(indices, std::uint64_t{chunk} * bits, bits));
}

// Counts the chosen elements of each group, and refuses what no leader can have written; a thread for each
// group.
struct CheckChunkIndices {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, Chunks chunks, unsigned bits,
                                const std::byte* indices, std::uint32_t* counts, Outcome* outcome) {
    const std::size_t group = grid_thread(context);
    if (group >= chunks.groups()) return;
    bool is_legal = group != 0 || is_padding_zero(indices, chunks.count(), bits);
    const std::size_t end = smaller(chunks.count(), (group + 1) * kBlockWarps);
    std::uint32_t sent = 0;
    for (std::size_t chunk = group * kBlockWarps; chunk < end; ++chunk) {
      const std::uint32_t offset = chunk_offset(indices, chunk, bits);
      if (offset == chunks.length) continue;
      is_legal = is_legal && offset < chunks.length_of(chunk);
      ++sent;
    }
    counts[group] = sent;
    if (!is_legal) context.atomic_or(&outcome->is_refused, std::uint32_t{1});
  }
};

struct ChunkPlace {
  std::uint32_t offset;    // of the chosen element, or the chunk length
  std::uint32_t value_at;  // of its value in the payload
};

// Where this warp's chunk has its element and its value. All lanes of the block call it.
template <typename Context>
STERNA_DEVICE ChunkPlace place_in_chunk(Context& context, const Chunks& chunks, unsigned bits,
                                        const std::byte* indices, const std::uint32_t* begins) {
  const std::size_t neighbour = std::size_t{context.block()} * kBlockWarps + context.lane();
  std::uint32_t offset = chunks.length;
  if (context.lane() < kBlockWarps && neighbour < chunks.count()) {
    offset = chunk_offset(indices, neighbour, bits);
  }
  const std::uint32_t sent = context.ballot(offset != chunks.length);
  return {.offset = context.shuffle(offset, context.warp()),
          .value_at = begins[context.block()] + set_bits(sent & lanes_before(context.warp()))};
}

// One pass over gradient and residue at the leader's indices; a warp for each chunk.
struct FollowInChunks {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, Chunks chunks, unsigned bits, float beta,
                                const std::byte* indices, const std::uint32_t* begins, const float* gradient,
                                float* residue, float* payload, Outcome* outcome) {
    if (outcome->is_refused != 0) return;
    const ChunkPlace place = place_in_chunk(context, chunks, bits, indices, begins);
    if (context.block() == 0 && context.thread() == 0) {
      outcome->elements_sent = begins[chunks.groups()];
      outcome->payload_bytes = outcome->elements_sent * sizeof(float);
    }
    const std::size_t chunk = grid_warp(context);
    if (chunk >= chunks.count()) return;
    const std::size_t begin = chunk * chunks.length;
    const auto length = static_cast<std::uint32_t>(chunks.length_of(chunk));
    for (std::uint32_t i = context.lane(); i < length; i += kWarpLanes) {
      const float before = residue[begin + i];
      const float added = gradient[begin + i];
      if (i == place.offset) {
        payload[place.value_at] = before + added;
        residue[begin + i] = before - beta * before;
      } else {
        residue[begin + i] = before + beta * added;
      }
    }
  }
};

// Writes every element once: 4 bytes.
struct ScatterChunks {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, Chunks chunks, unsigned bits,
                                const std::byte* indices, const std::uint32_t* begins, const float* values,
                                float* out, const Outcome* outcome) {
    if (outcome->is_refused != 0) return;
    const ChunkPlace place = place_in_chunk(context, chunks, bits, indices, begins);
    const std::size_t chunk = grid_warp(context);
    if (chunk >= chunks.count()) return;
    const std::size_t begin = chunk * chunks.length;
    const auto length = static_cast<std::uint32_t>(chunks.length_of(chunk));
    for (std::uint32_t i = context.lane(); i < length; i += kWarpLanes) {
      out[begin + i] = i == place.offset ? values[place.value_at] : 0.0f;
    }
  }
};

template <typename Launcher>
class GpuScaleComChunks final : public GpuCompressor<Launcher> {
 public:
  GpuScaleComChunks(std::size_t elements, std::uint32_t chunk_elements, float beta)
      : chunks_{elements, chunk_elements},
        bits_(static_cast<unsigned>(std::bit_width(chunk_elements))),
        beta_(beta) {}

  std::size_t workspace_bytes() const override {
    Workspace workspace;
    static_cast<void>(Parts(workspace, chunks_));
    return workspace.bytes();
  }

  void enqueue_encode_as_leader(Launcher& launch, const EncodeBuffers& buffers) const override {
    Workspace workspace(buffers.workspace);
    const Parts parts(workspace, chunks_);
    const std::size_t groups = chunks_.groups();
    launch.zero(buffers.outcome, sizeof(Outcome));
    launch(SelectInChunks{}, groups, chunks_, beta_, buffers.gradient.data(), buffers.residue.data(),
           parts.offsets, parts.values, parts.counts);
    if (groups != 0) launch(SumCountsBefore{}, 1, parts.counts, groups);
    launch(PackFields<ChunkFields>{}, list_blocks(index_bytes()), ChunkFields{parts.offsets, chunks_.count()},
           bits_, buffers.index_section.data());
    launch(JoinChunkValues{}, ceil_div(chunks_.count(), kBlockThreads), chunks_, parts.offsets, parts.values,
           parts.counts, std::uint64_t{index_bytes()}, values_of(buffers.payload), buffers.outcome);
  }

  void enqueue_encode(Launcher& launch, const EncodeBuffers& buffers) const override {
    Workspace workspace(buffers.workspace);
    const Parts parts(workspace, chunks_);
    check(launch, buffers.indices, parts, buffers.outcome);
    launch(FollowInChunks{}, chunks_.groups(), chunks_, bits_, beta_, buffers.indices.data(), parts.counts,
           buffers.gradient.data(), buffers.residue.data(), values_of(buffers.payload), buffers.outcome);
  }

  void enqueue_scatter(Launcher& launch, const DecodeBuffers& buffers) const override {
    Workspace workspace(buffers.workspace);
    const Parts parts(workspace, chunks_);
    check(launch, buffers.indices, parts, buffers.outcome);
    launch(ScatterChunks{}, chunks_.groups(), chunks_, bits_, buffers.indices.data(), parts.counts,
           buffers.values.data(), buffers.out.data(), buffers.outcome);
  }

 private:
  struct Parts {
    Parts(Workspace& workspace, const Chunks& chunks)
        : offsets(workspace.take<std::uint32_t>(chunks.count())),
          values(workspace.take<float>(chunks.count())),
          counts(workspace.take<std::uint32_t>(counts_room(chunks.groups()))) {}

    std::uint32_t* offsets;
    float* values;
    std::uint32_t* counts;
  };

  static float* values_of(std::span<std::byte> payload) { return reinterpret_cast<float*>(payload.data()); }

  std::size_t index_bytes() const { return (chunks_.count() * bits_ + 7) / 8; }

  void check(Launcher& launch, std::span<const std::byte> indices, const Parts& parts,
             Outcome* outcome) const {
    if (indices.size() != index_bytes()) {
      throw WireError(
          cat("[scalecom] index section has ", indices.size(), " bytes, expected ", index_bytes()));
    }
    const std::size_t groups = chunks_.groups();
    launch.zero(outcome, sizeof(Outcome));
    launch(CheckChunkIndices{}, ceil_div(groups, kBlockThreads), chunks_, bits_, indices.data(), parts.counts,
           outcome);
    if (groups != 0) launch(SumCountsBefore{}, 1, parts.counts, groups);
  }

  Chunks chunks_;
  unsigned bits_;
  float beta_;
};

}  // namespace sterna::compressors::gpu
