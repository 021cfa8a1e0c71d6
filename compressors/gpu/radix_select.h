// The exact largest magnitudes, as ../top_magnitudes.h and dryden find them, in two passes over a layer.
//
// The 31 bits of a magnitude are taken as three digits of 11, 10 and 10 bits. The first pass counts first
// digits. The second lists, by tiles, the candidates: elements whose first digit is at least the threshold's.
// All that follows looks at candidates alone, a few in a hundred where values vary: the other two digits, how
// many lie above the threshold and at it, and where each of them goes. Zeros are never counted.
//
// A side is a choice of its own: topk has one, dryden one for each sign.
#pragma once

#include "compressors/gpu/bit_fields.h"
#include "compressors/gpu/counts.h"
#include "compressors/gpu/tile_ranks.h"
#include "compressors/gpu/workspace.h"

namespace sterna::compressors::gpu {

inline constexpr unsigned kFirstShift = 20;
inline constexpr unsigned kFirstDigits = 1u << 11;
inline constexpr unsigned kLaterBits = 10;
inline constexpr unsigned kLaterDigits = 1u << kLaterBits;
inline constexpr std::uint32_t kNoPrefix = 0xffffffff;  // matches no digit

// The threshold of a side, while it is sought digit by digit.
struct Side {
  std::uint32_t chosen;  // elements in all
  std::uint32_t wanted;  // of them, with the prefix; after the last digit: at the threshold, by index
  std::uint32_t prefix;  // highest bits of the threshold; kNoPrefix where nothing is chosen
};

// How many of a side's elements that are not 0 are chosen.
struct ChooseAtMost {
  std::uint32_t most;
  STERNA_DEVICE std::uint32_t operator()(std::uint32_t elements) const { return smaller(elements, most); }
};
struct ChooseOneOf {
  double rate;
  STERNA_DEVICE std::uint32_t operator()(std::uint32_t elements) const {
    const double kept = static_cast<double>(elements) / rate;
    const auto whole = static_cast<std::uint32_t>(kept);
    return whole + (static_cast<double>(whole) < kept ? 1 : 0);  // ceil
  }
};

template <unsigned kSides>
struct Candidates {
  static constexpr unsigned kLists = 2 * kSides;  // of counts: of each side, above the threshold and at it

  const float* gradient;
  float* residue;
  std::size_t elements;
  float beta;                // kSides == 1
  std::uint32_t* counts;     // [3][kSides][kFirstDigits], of digits; zero at first
  Side* sides;               // [kSides]
  std::uint32_t* index;      // candidates of each tile at the front of its part
  float* before;             // kSides == 1: the residue before this step
  std::uint32_t* of_tiles;   // candidates of each tile
  std::uint32_t* positions;  // kLists lists of counts_room(tiles)

  Candidates(Workspace& workspace, std::size_t layer_elements)
      : gradient(nullptr),
        residue(nullptr),
        elements(layer_elements),
        beta(1.0f),
        counts(workspace.take<std::uint32_t>(3 * kSides * kFirstDigits)),
        sides(workspace.take<Side>(kSides)),
        index(workspace.take<std::uint32_t>(tiles() * kTileElements)),
        before(workspace.take<float>(kSides == 1 ? tiles() * kTileElements : 0)),
        of_tiles(workspace.take<std::uint32_t>(tiles())),
        positions(workspace.take<std::uint32_t>(kLists * counts_room(tiles()))) {}

  constexpr std::size_t tiles() const { return tiles_of(elements); }
  constexpr std::uint32_t* digit_counts(unsigned digit) const {
    return counts + digit * kSides * kFirstDigits;
  }

  STERNA_DEVICE static unsigned side_of(float value) { return kSides == 1 ? 0 : is_negative(value) ? 1 : 0; }
  // What is chosen from: with one side residue + gradient, else the residue, to which that was added.
  STERNA_DEVICE float value(std::size_t candidate) const {
    return kSides == 1 ? before[candidate] + gradient[index[candidate]] : residue[index[candidate]];
  }
};

// Counts digits in shared memory, and adds what is not 0 to the counts of all blocks.
template <unsigned kDigits>
struct DigitCounts {
  std::uint32_t counts[kDigits];
};

template <unsigned kDigits, typename Context>
STERNA_DEVICE void clear(Context& context, DigitCounts<kDigits>& shared) {
  for (unsigned i = context.thread(); i < kDigits; i += kBlockThreads) shared.counts[i] = 0;
  context.sync();
}

template <unsigned kDigits, typename Context>
STERNA_DEVICE void add_to_all(Context& context, DigitCounts<kDigits>& shared, std::uint32_t* counts) {
  context.sync();
  for (unsigned i = context.thread(); i < kDigits; i += kBlockThreads) {
    if (shared.counts[i] != 0) context.atomic_add(&counts[i], shared.counts[i]);
  }
}

// 8 bytes read an element; with two sides residue += gradient, 4 written.
template <unsigned kSides>
struct CountFirstDigits {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = DigitCounts<kSides * kFirstDigits>;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared& shared, Candidates<kSides> work) {
    clear(context, shared);
    for (unsigned row = 0; row < kTileRows; ++row) {
      const std::size_t i = tile_element(context, row);
      if (i >= work.elements) continue;
      const float sum = work.residue[i] + work.gradient[i];
      if (kSides == 2) work.residue[i] = sum;
      const std::uint32_t bits = magnitude_bits(sum);
      if (bits == 0) continue;
      const unsigned digit = work.side_of(sum) * kFirstDigits + (bits >> kFirstShift);
      context.atomic_add(&shared.counts[digit], std::uint32_t{1});
    }
    add_to_all(context, shared, work.digit_counts(0));
  }
};

// Appends to a side's prefix the digit of the element that is the wanted-th largest; a block for each side.
template <unsigned kSides, unsigned kDigits, typename Choose>
struct Descend {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = WarpSums;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared& shared, Candidates<kSides> work, unsigned digit,
                                Choose choose) {
    constexpr unsigned kNeighbours = kDigits / kBlockThreads;
    const std::uint32_t* const counts = work.digit_counts(digit) + context.block() * kDigits;
    Side side = work.sides[context.block()];
    // Each thread has neighbours, the first thread the largest.
    const unsigned highest = kDigits - 1 - context.thread() * kNeighbours;
    std::uint32_t own = 0;
    for (unsigned i = 0; i < kNeighbours; ++i) own += counts[highest - i];
    const SumBefore sum = block_sum_before(context, shared, own);
    if (digit == 0) {
      const std::uint32_t chosen = choose(sum.total);
      side = {.chosen = chosen, .wanted = chosen, .prefix = chosen == 0 ? kNoPrefix : 0};
      if (chosen == 0 && context.thread() == 0) work.sides[context.block()] = side;
    }
    if (side.chosen == 0 || side.wanted <= sum.before || side.wanted > sum.before + own) return;
    side.wanted -= sum.before;
    unsigned value = highest;
    while (counts[value] < side.wanted) side.wanted -= counts[value--];
    side.prefix = side.prefix * kDigits + value;
    work.sides[context.block()] = side;
  }
};

// With one side 8 bytes read, and 4 written: residue += beta * gradient as if nothing were chosen. With two 4
// read.
template <unsigned kSides>
struct ListCandidates {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = TileVotes;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared& shared, Candidates<kSides> work) {
    bool is_candidate[kTileRows];
    float before[kTileRows];
    for (unsigned row = 0; row < kTileRows; ++row) {
      const std::size_t i = tile_element(context, row);
      is_candidate[row] = false;
      if (i >= work.elements) continue;
      before[row] = work.residue[i];
      float sum = before[row];
      if constexpr (kSides == 1) {
        const float added = work.gradient[i];
        sum = before[row] + added;
        work.residue[i] = before[row] + work.beta * added;
      }
      const std::uint32_t prefix = work.sides[work.side_of(sum)].prefix;
      is_candidate[row] = magnitude_bits(sum) != 0 && magnitude_bits(sum) >> kFirstShift >= prefix;
    }
    count_votes(context, shared, is_candidate);
    for (unsigned row = 0; row < kTileRows; ++row) {
      if (!is_candidate[row]) continue;
      const std::size_t at = context.block() * std::size_t{kTileElements} + tile_rank(context, shared, row);
      work.index[at] = static_cast<std::uint32_t>(tile_element(context, row));
      if constexpr (kSides == 1) work.before[at] = before[row];
    }
    if (context.thread() == 0) work.of_tiles[context.block()] = shared.total;
  }
};

// The digit above the lowest `shift` bits of candidates that have the prefix; a warp for each tile.
template <unsigned kSides>
struct CountLaterDigits {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = DigitCounts<kSides * kLaterDigits>;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared& shared, Candidates<kSides> work, unsigned digit,
                                unsigned shift) {
    clear(context, shared);
    const std::size_t tile = grid_warp(context);
    const std::uint32_t count = tile < work.tiles() ? work.of_tiles[tile] : 0;
    for (std::uint32_t i = context.lane(); i < count; i += kWarpLanes) {
      const float value = work.value(tile * kTileElements + i);
      const std::uint32_t bits = magnitude_bits(value);
      const unsigned side = work.side_of(value);
      if (bits >> (shift + kLaterBits) != work.sides[side].prefix) continue;
      const unsigned at = side * kLaterDigits + (bits >> shift) % kLaterDigits;
      context.atomic_add(&shared.counts[at], std::uint32_t{1});
    }
    add_to_all(context, shared, work.digit_counts(digit));
  }
};

// Which of its side's lists a candidate is in, if any.
template <unsigned kSides>
struct Standing {
  unsigned side = 0;
  bool is_above = false;
  bool is_tie = false;

  STERNA_DEVICE Standing(const Candidates<kSides>& work, float value) : side(work.side_of(value)) {
    const Side& of = work.sides[side];
    is_above = of.prefix != kNoPrefix && magnitude_bits(value) > of.prefix;
    is_tie = magnitude_bits(value) == of.prefix;
  }
  Standing() = default;
};

// How many candidates of each tile are above their side's threshold, and how many at it; a warp for each
// tile.
template <unsigned kSides>
struct CountChosen {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, Candidates<kSides> work) {
    const std::size_t tile = grid_warp(context);
    if (tile >= work.tiles()) return;
    std::uint32_t sums[Candidates<kSides>::kLists] = {};
    for (std::uint32_t begin = 0; begin < work.of_tiles[tile]; begin += kWarpLanes) {
      Standing<kSides> own;
      const std::uint32_t i = begin + context.lane();
      if (i < work.of_tiles[tile]) own = {work, work.value(tile * kTileElements + i)};
      for (unsigned side = 0; side < kSides; ++side) {
        sums[2 * side] += set_bits(context.ballot(own.is_above && own.side == side));
        sums[2 * side + 1] += set_bits(context.ballot(own.is_tie && own.side == side));
      }
    }
    if (context.lane() != 0) return;
    for (unsigned list = 0; list < Candidates<kSides>::kLists; ++list) {
      work.positions[list * counts_room(work.tiles()) + tile] = sums[list];
    }
  }
};

// Calls send(candidate, value, position) for each chosen one, by ascending index; a warp for each tile.
template <unsigned kSides, typename Send>
struct ForEachChosen {
  static constexpr unsigned kThreads = kBlockThreads;
  using Shared = NoShared;
  template <typename Context>
  STERNA_DEVICE static void run(Context& context, Shared&, Candidates<kSides> work, Send send) {
    const std::size_t tile = grid_warp(context);
    if (tile >= work.tiles()) return;
    std::uint32_t before[Candidates<kSides>::kLists];
    for (unsigned list = 0; list < Candidates<kSides>::kLists; ++list) {
      before[list] = work.positions[list * counts_room(work.tiles()) + tile];
    }
    const std::uint32_t lower_lanes = lanes_before(context.lane());
    for (std::uint32_t begin = 0; begin < work.of_tiles[tile]; begin += kWarpLanes) {
      const std::uint32_t i = begin + context.lane();
      const std::size_t candidate = tile * kTileElements + i;
      Standing<kSides> own;
      float value = 0.0f;
      if (i < work.of_tiles[tile]) {
        value = work.value(candidate);
        own = {work, value};
      }
      // Of each side, what comes before this lane's: all above, and ties as long as they are wanted.
      std::uint32_t position = 0;
      bool is_chosen = own.is_above;
      for (unsigned side = 0; side < kSides; ++side) {
        const std::uint32_t above = context.ballot(own.is_above && own.side == side);
        const std::uint32_t ties = context.ballot(own.is_tie && own.side == side);
        const std::uint32_t ties_before = before[2 * side + 1] + set_bits(ties & lower_lanes);
        if (own.is_tie && own.side == side) is_chosen = ties_before < work.sides[side].wanted;
        position +=
            before[2 * side] + set_bits(above & lower_lanes) + smaller(ties_before, work.sides[side].wanted);
        before[2 * side] += set_bits(above);
        before[2 * side + 1] += set_bits(ties);
      }
      if (is_chosen) send(work, candidate, value, position);
    }
  }
};

// All of it but ForEachChosen, enqueued. `choose` is how many of a side's elements are chosen.
template <unsigned kSides, typename Launcher, typename Choose>
void find_largest(Launcher& launch, const Candidates<kSides>& work, const Choose& choose) {
  const std::size_t tiles = work.tiles();
  const std::size_t warps = ceil_div(tiles, kBlockWarps);
  launch.zero(work.counts, 3 * kSides * kFirstDigits * sizeof(std::uint32_t));
  launch(CountFirstDigits<kSides>{}, tiles, work);
  launch(Descend<kSides, kFirstDigits, Choose>{}, kSides, work, 0u, choose);
  launch(ListCandidates<kSides>{}, tiles, work);
  for (unsigned digit = 1; digit <= 2; ++digit) {
    launch(CountLaterDigits<kSides>{}, warps, work, digit, digit == 1 ? kLaterBits : 0u);
    launch(Descend<kSides, kLaterDigits, Choose>{}, kSides, work, digit, choose);
  }
  launch(CountChosen<kSides>{}, warps, work);
  launch(SumCountsBefore{}, Candidates<kSides>::kLists, work.positions, tiles);
}

}  // namespace sterna::compressors::gpu
