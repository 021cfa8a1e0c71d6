// Chunks of a layer, of each of which the largest element is chosen: scalecom's selection, and ls's bins.
#pragma once

#include "compressors/gpu/bit_fields.h"
#include "compressors/gpu/counts.h"

namespace sterna::compressors::gpu {

// How a layer is cut; a warp takes a chunk, and a block a group of them.
struct Chunks {
  std::size_t elements;
  std::uint32_t length;  // R; the last chunk may be shorter

  constexpr std::size_t count() const { return ceil_div(elements, length); }
  constexpr std::size_t groups() const { return ceil_div(count(), kBlockWarps); }
  constexpr std::size_t length_of(std::size_t chunk) const {
    return smaller(std::size_t{length}, elements - chunk * length);
  }
};

// The first element with the largest |residue + gradient| > 0 of a chunk is what is left of all lanes' own.
struct LargestInChunk {
  std::uint64_t key = 0;  // the magnitude's bits, then the bits of ~index: the lower index is the larger key
  float residue = 0.0f;   // before this step
  float value = 0.0f;     // residue + gradient

  STERNA_DEVICE void see(std::uint32_t index, float before, float sum) {
    constexpr std::uint32_t kInfinity = 0x7f800000;
    const std::uint32_t bits = magnitude_bits(sum);
    const std::uint64_t candidate = std::uint64_t{bits} << 32 | ~index;
    if (bits == 0 || bits > kInfinity || candidate <= key) return;  // a NaN is not selected
    key = candidate;
    residue = before;
    value = sum;
  }
  STERNA_DEVICE std::uint32_t index() const { return ~static_cast<std::uint32_t>(key); }
};

// One pass over gradient and residue, 8 bytes read and 4 written an element, and 8 written a chunk:
//   offsets[c]  the chosen element's offset in chunk c, or the chunk length where all is zero
//   values[c]   its residue + gradient
//   counts[g]   chunks of group g in which something is chosen
//   residue     += beta * gradient, in two roundings; of the chosen element: -= beta * residue
struct SelectInChunks {
  static constexpr unsigned kThreads = kBlockThreads;
  struct Shared {
    std::uint32_t is_sent[kBlockWarps];
  };
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared& shared, Chunks chunks, float beta,
                                const float* gradient, float* residue, std::uint32_t* offsets, float* values,
                                std::uint32_t* counts) {
    const std::size_t chunk = grid_warp(context);
    bool is_sent = false;
    if (chunk < chunks.count()) {
      is_sent = select(context, chunks, chunk, beta, gradient, residue, offsets, values);
    }
    if (context.lane() == 0) shared.is_sent[context.warp()] = is_sent ? 1 : 0;
    context.sync();
    if (context.thread() != 0) return;
    std::uint32_t sent = 0;
    for (const std::uint32_t one : shared.is_sent) sent += one;
    counts[context.block()] = sent;
  }

 private:
  template <typename Context>
  STERNA_DEVICE static bool select(Context& context, const Chunks& chunks, std::size_t chunk, float beta,
                                   const float* gradient, float* residue, std::uint32_t* offsets,
                                   float* values) {
    const std::size_t begin = chunk * chunks.length;
    const auto length = static_cast<std::uint32_t>(chunks.length_of(chunk));
    LargestInChunk own;
    for (std::uint32_t i = context.lane(); i < length; i += kWarpLanes) {
      const float before = residue[begin + i];
      const float added = gradient[begin + i];
      residue[begin + i] = before + beta * added;
      own.see(i, before, before + added);
    }
    std::uint64_t largest = own.key;
    for (unsigned lanes = kWarpLanes / 2; lanes > 0; lanes /= 2) {
      const std::uint64_t other = context.shuffle_xor(largest, lanes);
      if (other > largest) largest = other;
    }
    if (largest == 0) {
      if (context.lane() == 0) offsets[chunk] = chunks.length;
    } else if (largest == own.key) {
      residue[begin + own.index()] = own.residue - beta * own.residue;
      offsets[chunk] = own.index();
      values[chunk] = own.value;
    }
    return largest != 0;
  }
};

// The fields of a section: one for each chunk.
struct ChunkFields {
  const std::uint32_t* offsets;
  std::size_t chunks;

  STERNA_DEVICE std::uint64_t count() const { return chunks; }
  STERNA_DEVICE std::uint64_t operator()(std::uint64_t i) const { return offsets[i]; }
};

}  // namespace sterna::compressors::gpu
