// adacomp's payload (../adacomp.cc) as kernels read it: the bins of codes are found by counting the codes
// that are their bins' last, and of a layer with a bitmap its bits.
//
// Bytes moved: 4 readings of the codes and 2 of the bitmap, and 4 read and 4 written of what a code stands
// for.
#pragma once

#include "compressors/gpu/bit_fields.h"
#include "compressors/gpu/counts.h"
#include "compressors/gpu/gpu_compressor.h"
#include "compressors/kernels/kernels.h"

namespace sterna::compressors::gpu {

// How a layer is cut; a warp takes a bin, and a block 8 of them: a byte of the bitmap.
struct Bins {
  std::size_t elements;
  std::uint32_t length;  // L_T

  constexpr std::size_t count() const { return ceil_div(elements, length); }
  constexpr std::size_t bitmap_bytes() const { return ceil_div(count(), 8); }
  constexpr std::size_t length_of(std::size_t bin) const {
    return smaller(std::size_t{length}, elements - bin * length);
  }
};
static_assert(kBlockWarps == 8);

inline constexpr std::uint32_t kHasBitmap = 0x80000000;

template <typename Code>
STERNA_DEVICE float signed_by(Code code, float scale) {
  return (code & kernels::kNegative<Code>) != 0 ? -scale : scale;
}

// Codes, and bins of a bitmap, that a block looks at: 8 of each a thread.
inline constexpr unsigned kCodesOfAThread = 8;
inline constexpr std::size_t kCodesOfATile = kCodesOfAThread * kBlockThreads;

// A payload of at least 4 bytes that may hold anything.
struct CodePayload {
  const std::byte* data;
  std::size_t bytes;

  STERNA_DEVICE float scale() const { return std::bit_cast<float>(load_32(data) & ~kHasBitmap); }
  STERNA_DEVICE bool has_bitmap() const { return (load_32(data) & kHasBitmap) != 0; }
  // Of the codes and the bitmap that would be there if the payload were long enough.
  STERNA_DEVICE bool is_long_enough(const Bins& bins) const {
    return !has_bitmap() || bytes - sizeof(float) >= bins.bitmap_bytes();
  }
  STERNA_DEVICE std::size_t code_bytes(const Bins& bins) const {
    return bytes - sizeof(float) - (has_bitmap() ? bins.bitmap_bytes() : 0);
  }
  template <typename Code>
  STERNA_DEVICE Code code(std::size_t i) const {
    const std::byte* const at = data + sizeof(float) + i * sizeof(Code);
    return static_cast<Code>(read_field(at, 0, 8 * sizeof(Code)));
  }
  // Bits 8 * byte to 8 * byte + 7 of the bitmap.
  STERNA_DEVICE unsigned bitmap_byte(const Bins& bins, std::size_t byte) const {
    return static_cast<unsigned>(data[bytes - bins.bitmap_bytes() + byte]);
  }

  // What needs no look at more than a few bytes.
  template <typename Code>
  STERNA_DEVICE bool has_legal_frame(const Bins& bins) const {
    if (!(scale() <= 0x1.fffffep127f) || !is_long_enough(bins)) return false;
    const std::size_t codes = code_bytes(bins) / sizeof(Code);
    if (codes == 0 || codes > bins.elements || code_bytes(bins) % sizeof(Code) != 0) return false;
    if ((code<Code>(codes - 1) & kernels::kLastOfBin<Code>) == 0) return false;
    const unsigned used_bits = static_cast<unsigned>(bins.count() % 8);
    return !has_bitmap() || used_bits == 0 || bitmap_byte(bins, bins.bitmap_bytes() - 1) >> used_bits == 0;
  }
};

// Two lists of counts, of as many tiles each: of last codes, and of bits of the bitmap. Refuses a payload
// whose frame is not legal; its counts are 0.
template <typename Code>
struct CountBorders {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = WarpSums;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared& shared, CodePayload payload, Bins bins,
                                std::uint32_t* counts, std::size_t tiles, Outcome* outcome) {
    const bool is_legal = payload.has_legal_frame<Code>(bins);
    const bool is_of_codes = context.block() < tiles;
    const std::size_t tile = is_of_codes ? context.block() : context.block() - tiles;
    const std::size_t own = tile * kCodesOfATile + context.thread() * kCodesOfAThread;
    std::uint32_t count = 0;
    if (is_legal && is_of_codes) {
      count = last_codes(payload, own, payload.code_bytes(bins) / sizeof(Code));
    } else if (is_legal && payload.has_bitmap() && own < bins.count()) {
      count = set_bits(payload.bitmap_byte(bins, own / 8));
    }
    const SumBefore sum = block_sum_before(context, shared, count);
    if (context.thread() != 0) return;
    counts[(is_of_codes ? 0 : counts_room(tiles)) + tile] = sum.total;
    if (context.block() == 0 && !is_legal) outcome->is_refused = 1;
  }

  // Among this thread's codes.
  STERNA_DEVICE static std::uint32_t last_codes(const CodePayload& payload, std::size_t own,
                                                std::size_t codes) {
    std::uint32_t count = 0;
    for (std::size_t i = own; i < codes && i < own + kCodesOfAThread; ++i) {
      count += (payload.code<Code>(i) & kernels::kLastOfBin<Code>) != 0 ? 1 : 0;
    }
    return count;
  }
};
static_assert(kCodesOfAThread == 8);  // a byte of the bitmap

// bin_of[i] is the i-th bin that has codes, where there is a bitmap. Refuses a payload with other bins than
// last codes, and a bitmap that is full.
template <typename Code>
struct ListBins {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = WarpSums;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared& shared, CodePayload payload, Bins bins,
                                const std::uint32_t* counts, std::size_t tiles, std::uint32_t* bin_of,
                                Outcome* outcome) {
    const std::uint32_t* const bits_before = counts + counts_room(tiles);
    const bool has_bitmap = payload.has_bitmap();
    const bool is_readable = has_bitmap && payload.is_long_enough(bins);
    const std::size_t own = context.block() * kCodesOfATile + context.thread() * kCodesOfAThread;
    const unsigned bits = is_readable && own < bins.count() ? payload.bitmap_byte(bins, own / 8) : 0;
    const SumBefore sum = block_sum_before(context, shared, set_bits(bits));
    if (context.block() == 0 && context.thread() == 0) {
      const std::size_t bins_sent = has_bitmap ? bits_before[tiles] : bins.count();
      if (counts[tiles] != bins_sent || (has_bitmap && bins_sent == bins.count())) outcome->is_refused = 1;
    }
    std::size_t at = bits_before[context.block()] + sum.before;
    for (unsigned bit = 0; bit < kCodesOfAThread; ++bit) {
      if ((bits >> bit & 1) != 0 && at < bins.count()) bin_of[at++] = static_cast<std::uint32_t>(own + bit);
    }
  }
};

enum class Then { kCheck, kAdd };

// Finds each code's element, and refuses it where no encoder can have written it, or adds what it stands for.
// Nothing is done for a payload that is refused already.
template <typename Code, Then kThen>
struct GoThroughCodes {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = WarpSums;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared& shared, CodePayload payload, Bins bins,
                                const std::uint32_t* lasts_before, const std::uint32_t* bin_of, float* out,
                                Outcome* outcome) {
    // Others of this launch may refuse it meanwhile: what was found before decides, for all threads alike.
    if (kThen == Then::kAdd && outcome->is_refused != 0) return;
    const bool is_legal = payload.has_legal_frame<Code>(bins);
    const std::size_t codes = is_legal ? payload.code_bytes(bins) / sizeof(Code) : 0;
    const std::size_t own = context.block() * kCodesOfATile + context.thread() * kCodesOfAThread;
    const std::uint32_t lasts = CountBorders<Code>::last_codes(payload, own, codes);
    const SumBefore sum = block_sum_before(context, shared, lasts);
    std::size_t sent_bin = lasts_before[context.block()] + sum.before;
    for (std::size_t i = own; i < codes && i < own + kCodesOfAThread; ++i) {
      const Code code = payload.code<Code>(i);
      const std::size_t index = code & (kernels::kNegative<Code> - 1);
      const std::size_t bin = sent_bin < bins.count() && payload.has_bitmap() ? bin_of[sent_bin] : sent_bin;
      const std::size_t element = bin * bins.length + index;
      if constexpr (kThen == Then::kAdd) {
        out[element] += signed_by(code, payload.scale());
      } else if (index < lowest_index(payload, i) || index >= bins.length || element >= bins.elements) {
        context.atomic_or(&outcome->is_refused, std::uint32_t{1});
      }
      sent_bin += (code & kernels::kLastOfBin<Code>) != 0 ? 1 : 0;
    }
  }

 private:
  // What the index of a code may be: codes ascend within a bin.
  STERNA_DEVICE static std::size_t lowest_index(const CodePayload& payload, std::size_t i) {
    if (i == 0) return 0;
    const Code before = payload.code<Code>(i - 1);
    if ((before & kernels::kLastOfBin<Code>) != 0) return 0;
    return std::size_t{before} % kernels::kNegative<Code> + 1;
  }
};

}  // namespace sterna::compressors::gpu
