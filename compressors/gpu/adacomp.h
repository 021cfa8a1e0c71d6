// adacomp (../adacomp.cc) as kernels: codes and the residue's sum in one pass, scale and borders from the
// bins' maxima and counts, then the codes to their places and what they stand for out of the residue.
//
// Bytes moved an element: 8 read and 4 written, with bins that stay in the cache from the search for their
// maximum to the search for what reaches it; 4 and 4 more of what a code was written for; its code four
// times.
#pragma once

#include <algorithm>

#include "compressors/gpu/adacomp_codes.h"
#include "compressors/gpu/sum_in_order.h"
#include "compressors/gpu/workspace.h"
#include "runtime/core/errors.h"

namespace sterna::compressors::gpu {

// What all bins have in common, once they are seen.
struct BinTotals {
  float scale;
  std::uint32_t bins_sent;
};

// What is known of each bin, and of each group of bins, which a block takes.
struct BinLists {
  float* maxima;
  std::uint32_t* counts;       // of codes
  std::uint32_t* group_codes;  // of a group; with room for their sum
  std::uint32_t* group_bins;   // of a group that have codes; with room for their sum
  BinTotals* totals;
};

// residue += gradient; the codes of each bin to the place of its elements in `codes`.
template <typename Code>
struct FindCodes {
  static constexpr unsigned kThreads = kBlockThreads;
  struct Shared {
    std::uint32_t codes[kBlockWarps];
  };
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared& shared, Bins bins, const float* gradient,
                                float* residue, Code* codes, BinLists lists) {
    const std::size_t bin = grid_warp(context);
    std::uint32_t sent = 0;
    if (bin < bins.count()) {
      const std::size_t begin = bin * bins.length;
      const auto length = static_cast<std::uint32_t>(bins.length_of(bin));
      const float largest = add_and_find_largest(context, gradient + begin, residue + begin, length);
      if (largest != 0.0f) {
        sent = write_codes(context, gradient + begin, residue + begin, length, largest, codes + begin);
      }
      if (context.lane() == 0) {
        lists.maxima[bin] = largest;
        lists.counts[bin] = sent;
      }
    }
    if (context.lane() == 0) shared.codes[context.warp()] = sent;
    context.sync();
    if (context.thread() != 0) return;
    std::uint32_t of_group = 0;
    std::uint32_t bins_sent = 0;
    for (const std::uint32_t of_bin : shared.codes) {
      of_group += of_bin;
      bins_sent += of_bin != 0 ? 1 : 0;
    }
    lists.group_codes[context.block()] = of_group;
    lists.group_bins[context.block()] = bins_sent;
  }

 private:
  template <typename Context>
  STERNA_DEVICE static float add_and_find_largest(Context& context, const float* gradient, float* residue,
                                                  std::uint32_t length) {
    float largest = 0.0f;
    for (std::uint32_t i = context.lane(); i < length; i += kWarpLanes) {
      const float sum = residue[i] + gradient[i];
      residue[i] = sum;
      if (magnitude(sum) > largest) largest = magnitude(sum);
    }
    for (unsigned lanes = kWarpLanes / 2; lanes > 0; lanes /= 2) {
      const float other = context.shuffle_xor(largest, lanes);
      if (other > largest) largest = other;
    }
    return largest;
  }

  // Each lane looks at the elements that it has added itself.
  template <typename Context>
  STERNA_DEVICE static std::uint32_t write_codes(Context& context, const float* gradient,
                                                 const float* residue, std::uint32_t length, float largest,
                                                 Code* codes) {
    std::uint32_t sent = 0;
    for (std::uint32_t begin = 0; begin < length; begin += kWarpLanes) {
      const std::uint32_t i = begin + context.lane();
      const float sum = i < length ? residue[i] : 0.0f;
      const bool is_sent = i < length && magnitude(sum + gradient[i]) >= largest;
      const std::uint32_t votes = context.ballot(is_sent);
      if (is_sent) {
        codes[sent + set_bits(votes & lanes_before(context.lane()))] =
            static_cast<Code>(i | (sum > 0.0f ? 0 : kernels::kNegative<Code>));
      }
      sent += set_bits(votes);
    }
    return sent;
  }
};

// Three blocks: the scale; where each group's codes go; how many bins have some.
struct SumBins {
  static constexpr unsigned kThreads = kBlockThreads;
  union Shared {
    SumShared of_magnitudes;
    WarpSums of_counts;
  };
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared& shared, std::size_t bins, BinLists lists) {
    const std::size_t groups = ceil_div(bins, kBlockWarps);
    if (context.block() == 1) {
      sum_counts_before(context, shared.of_counts, lists.group_codes, groups);
    } else if (context.block() == 2) {
      sum_counts_before(context, shared.of_counts, lists.group_bins, groups);
      if (context.thread() == 0) lists.totals->bins_sent = lists.group_bins[groups];
    } else {
      constexpr double kLargest =
          0x1.fffffep127;  // of float32: the payload must be one that a receiver takes
      const double sum = sum_in_order(context, shared.of_magnitudes, MagnitudeList{lists.maxima, bins});
      const double mean = sum / static_cast<double>(bins);
      if (context.thread() == 0) lists.totals->scale = static_cast<float>(smaller(mean, kLargest));
    }
  }
};

// The payload, and what it stands for out of the residue; a warp for each bin.
template <typename Code>
struct WriteCodes {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, Bins bins, const Code* codes, BinLists lists,
                                float* residue, std::byte* payload, Outcome* outcome) {
    const std::uint32_t all_codes = lists.group_codes[bins.bitmap_bytes()];
    if (all_codes == 0) return;
    const BinTotals totals = *lists.totals;
    const bool has_bitmap = totals.bins_sent < bins.count();
    if (context.block() == 0 && context.thread() == 0) {
      store_32(payload, std::bit_cast<std::uint32_t>(totals.scale) | (has_bitmap ? kHasBitmap : 0));
      const std::uint64_t rest = all_codes * sizeof(Code) + (has_bitmap ? bins.bitmap_bytes() : 0);
      *outcome = {.payload_bytes = sizeof(float) + rest, .index_bytes = rest, .elements_sent = all_codes};
    }
    // Each warp adds up the codes of the group's bins.
    const std::size_t group_bin = std::size_t{context.block()} * kBlockWarps + context.lane();
    const bool is_bin = context.lane() < kBlockWarps && group_bin < bins.count();
    const std::uint32_t of_bin = is_bin ? lists.counts[group_bin] : 0;
    std::uint32_t with_own = of_bin;
    for (unsigned distance = 1; distance < kBlockWarps; distance *= 2) {
      const std::uint32_t lower = context.shuffle_up(with_own, distance);
      if (context.lane() >= distance) with_own += lower;
    }
    const std::uint32_t bitmap_byte = context.ballot(of_bin != 0);
    if (has_bitmap && context.thread() == 0) {
      payload[sizeof(float) + all_codes * sizeof(Code) + context.block()] =
          static_cast<std::byte>(bitmap_byte);
    }
    const std::uint32_t count = context.shuffle(of_bin, context.warp());
    const std::uint32_t at =
        lists.group_codes[context.block()] + context.shuffle(with_own, context.warp()) - count;
    write_bin(context, bins, codes, count, totals.scale, residue,
              reinterpret_cast<Code*>(payload + sizeof(float)) + at);
  }

 private:
  template <typename Context>
  STERNA_DEVICE static void write_bin(Context& context, const Bins& bins, const Code* codes,
                                      std::uint32_t count, float scale, float* residue, Code* out) {
    const std::size_t begin = grid_warp(context) * bins.length;
    for (std::uint32_t i = context.lane(); i < count; i += kWarpLanes) {
      const Code code = codes[begin + i];
      out[i] = i + 1 == count ? static_cast<Code>(code | kernels::kLastOfBin<Code>) : code;
      residue[begin + (code & (kernels::kNegative<Code> - 1))] -= signed_by(code, scale);
    }
  }
};

template <typename Code, typename Launcher>
class GpuAdaComp final : public GpuCompressor<Launcher> {
 public:
  GpuAdaComp(std::size_t elements, std::uint32_t bin_elements) : bins_{elements, bin_elements} {}

  std::size_t workspace_bytes() const override {
    Workspace encoding;
    static_cast<void>(EncodeParts(encoding, bins_));
    Workspace decoding;
    static_cast<void>(DecodeParts(decoding, bins_, bins_.elements));
    return std::max(encoding.bytes(), decoding.bytes());
  }

  void enqueue_encode(Launcher& launch, const EncodeBuffers& buffers) const override {
    Workspace workspace(buffers.workspace);
    const EncodeParts parts(workspace, bins_);
    const std::size_t blocks = ceil_div(bins_.count(), kBlockWarps);
    launch.zero(buffers.outcome, sizeof(Outcome));
    launch(FindCodes<Code>{}, blocks, bins_, buffers.gradient.data(), buffers.residue.data(), parts.codes,
           parts.lists);
    if (blocks != 0) launch(SumBins{}, 3, bins_.count(), parts.lists);
    launch(WriteCodes<Code>{}, blocks, bins_, parts.codes, parts.lists, buffers.residue.data(),
           buffers.payload.data(), buffers.outcome);
  }

  void enqueue_accumulate(Launcher& launch, const DecodeBuffers& buffers) const override {
    launch.zero(buffers.outcome, sizeof(Outcome));
    if (buffers.payload.empty()) return;
    if (buffers.payload.size() < sizeof(float) || bins_.elements == 0) {
      throw WireError(cat("[adacomp] payload: ", buffers.payload.size(), " bytes for ", bins_.elements,
                          " elements, expected at least 4 for the scale, and none without elements"));
    }
    const CodePayload payload{buffers.payload.data(), buffers.payload.size()};
    const std::size_t codes = (payload.bytes - sizeof(float)) / sizeof(Code);
    Workspace workspace(buffers.workspace);
    // No more codes than elements: a longer payload is refused before they are looked at.
    const DecodeParts parts(workspace, bins_, std::min(codes, bins_.elements));
    launch(CountBorders<Code>{}, 2 * parts.tiles, payload, bins_, parts.counts, parts.tiles, buffers.outcome);
    launch(SumCountsBefore{}, 2, parts.counts, parts.tiles);
    launch(ListBins<Code>{}, parts.tiles, payload, bins_, parts.counts, parts.tiles, parts.bin_of,
           buffers.outcome);
    launch(GoThroughCodes<Code, Then::kCheck>{}, parts.tiles, payload, bins_, parts.counts, parts.bin_of,
           buffers.out.data(), buffers.outcome);
    launch(GoThroughCodes<Code, Then::kAdd>{}, parts.tiles, payload, bins_, parts.counts, parts.bin_of,
           buffers.out.data(), buffers.outcome);
  }

 private:
  struct EncodeParts {
    EncodeParts(Workspace& workspace, const Bins& bins)
        : codes(workspace.take<Code>(bins.elements)),
          lists{.maxima = workspace.take<float>(bins.count()),
                .counts = workspace.take<std::uint32_t>(bins.count()),
                .group_codes = workspace.take<std::uint32_t>(counts_room(bins.bitmap_bytes())),
                .group_bins = workspace.take<std::uint32_t>(counts_room(bins.bitmap_bytes())),
                .totals = workspace.take<BinTotals>(1)} {}

    Code* codes;
    BinLists lists;
  };

  struct DecodeParts {
    DecodeParts(Workspace& workspace, const Bins& bins, std::size_t codes)
        : tiles(std::max(ceil_div(codes, kCodesOfATile), ceil_div(bins.count(), kCodesOfATile))),
          counts(workspace.take<std::uint32_t>(2 * counts_room(tiles))),
          bin_of(workspace.take<std::uint32_t>(bins.count())) {}

    std::size_t tiles;
    std::uint32_t* counts;
    std::uint32_t* bin_of;
  };

  Bins bins_;
};

}  // namespace sterna::compressors::gpu
