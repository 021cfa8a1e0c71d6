// The sum of magnitudes in double, rounded after each of them in their order, by many threads at once: the
// bits of `for (float x : magnitudes) sum += x`.
//
// Rounded additions are not associative. But while the sum stays below the next power of two its unit in the
// last place, u, stays the same, and the sum is S u with an integer S below 2^53. An addend then adds a
// number of units that S decides in one case alone: where it lies halfway between two, it goes to the one
// that makes the sum even. So an addend is a function of S's parity, such functions are joined
// associatively, and a scan over a block joins thousands of them. Where S would reach 2^53, one plain
// addition is made, and the next unit is in force. Below 2^-96 all float32 are multiples of one unit, 2^-149.
#pragma once

#include "compressors/gpu/block.h"

namespace sterna::compressors::gpu {

// Units that are added, to an even and to an odd sum; at most kManyUnits.
struct UnitsAdded {
  std::uint64_t to_even;
  std::uint64_t to_odd;
};

inline constexpr std::uint64_t kUnitsOfNextPower = std::uint64_t{1} << 53;
inline constexpr std::uint64_t kManyUnits = std::uint64_t{1} << 60;  // far beyond; sums stop there

STERNA_DEVICE UnitsAdded joined(const UnitsAdded& first, const UnitsAdded& second) {
  const std::uint64_t even = first.to_even + (first.to_even % 2 == 0 ? second.to_even : second.to_odd);
  const std::uint64_t odd = first.to_odd + (first.to_odd % 2 == 0 ? second.to_odd : second.to_even);
  return {.to_even = smaller(even, kManyUnits), .to_odd = smaller(odd, kManyUnits)};
}

STERNA_DEVICE std::uint64_t units_after(std::uint64_t units, const UnitsAdded& added) {
  return units + (units % 2 == 0 ? added.to_even : added.to_odd);
}

// What a magnitude adds in units of 2^unit_exponent, unit_exponent >= -149.
STERNA_DEVICE UnitsAdded units_of(float magnitude, int unit_exponent) {
  const auto bits = std::bit_cast<std::uint32_t>(magnitude);
  const std::uint32_t exponent_field = bits >> 23;
  const std::uint64_t fraction = exponent_field == 0 ? bits : (bits & 0x7fffff) | 0x800000;
  // The magnitude is fraction * 2^(shift + unit_exponent).
  const int shift = static_cast<int>(exponent_field == 0 ? 1 : exponent_field) - 150 - unit_exponent;
  if (exponent_field == 0xff || shift >= 30)
    return {.to_even = kUnitsOfNextPower, .to_odd = kUnitsOfNextPower};
  if (shift >= 0) return {.to_even = fraction << shift, .to_odd = fraction << shift};
  if (shift < -25) return {};  // below half a unit: the fraction has 24 bits
  const std::uint64_t whole = fraction >> -shift;
  const std::uint64_t rest = fraction & ((std::uint64_t{1} << -shift) - 1);
  const std::uint64_t half = std::uint64_t{1} << (-shift - 1);
  if (rest != half) return {.to_even = whole + (rest > half), .to_odd = whole + (rest > half)};
  return {.to_even = whole + whole % 2, .to_odd = whole + (whole + 1) % 2};
}

// A sum as a number of units.
struct SumInUnits {
  std::uint64_t units;
  int unit_exponent;
};

STERNA_DEVICE double power_of_two(int exponent) {
  return std::bit_cast<double>(static_cast<std::uint64_t>(exponent + 1023) << 52);
}

STERNA_DEVICE SumInUnits in_units(double sum) {
  if (sum < 0x1p-96) return {.units = static_cast<std::uint64_t>(sum * 0x1p149), .unit_exponent = -149};
  const auto bits = std::bit_cast<std::uint64_t>(sum);
  constexpr std::uint64_t kFirstBit = std::uint64_t{1} << 52;
  return {.units = (bits & (kFirstBit - 1)) | kFirstBit,
          .unit_exponent = static_cast<int>(bits >> 52) - 1075};
}

STERNA_DEVICE double in_double(const SumInUnits& sum) {
  return static_cast<double>(sum.units) * power_of_two(sum.unit_exponent);
}

struct SumShared {
  UnitsAdded of_warps[kBlockWarps];
  unsigned first_beyond[kBlockWarps];  // the first thread of a warp that comes to the next power of two
  double sum;
  std::uint64_t done;
};

// What the threads before this one add, and all.
struct UnitsBefore {
  UnitsAdded before;
  UnitsAdded total;
};

template <typename Context>
STERNA_DEVICE UnitsBefore block_units_before(Context& context, SumShared& shared, const UnitsAdded& own) {
  UnitsAdded with_own = own;
  for (unsigned distance = 1; distance < kWarpLanes; distance *= 2) {
    const UnitsAdded lower{.to_even = context.shuffle_up(with_own.to_even, distance),
                           .to_odd = context.shuffle_up(with_own.to_odd, distance)};
    if (context.lane() >= distance) with_own = joined(lower, with_own);
  }
  if (context.lane() == kWarpLanes - 1) shared.of_warps[context.warp()] = with_own;
  const UnitsAdded lower{.to_even = context.shuffle_up(with_own.to_even, 1),
                         .to_odd = context.shuffle_up(with_own.to_odd, 1)};
  context.sync();
  UnitsBefore units{};
  for (unsigned warp = 0; warp < kBlockWarps; ++warp) {
    if (warp == context.warp()) units.before = units.total;
    units.total = joined(units.total, shared.of_warps[warp]);
  }
  if (context.lane() != 0) units.before = joined(units.before, lower);
  return units;
}

// The first thread of the block for which `is_beyond` holds, kBlockThreads if it is none.
template <typename Context>
STERNA_DEVICE unsigned first_beyond(Context& context, SumShared& shared, bool is_beyond) {
  const std::uint32_t votes = context.ballot(is_beyond);
  if (context.lane() == 0) {
    shared.first_beyond[context.warp()] =
        votes == 0 ? kBlockThreads : context.thread() + set_bits((votes & (0 - votes)) - 1);
  }
  context.sync();
  unsigned first = kBlockThreads;
  for (unsigned warp = 0; warp < kBlockWarps; ++warp) first = smaller(first, shared.first_beyond[warp]);
  return first;
}

// All threads of one block call it, and all get the sum.
//   magnitudes  magnitudes.count() of them; magnitudes(i) is the i-th, not negative. Infinities and NaNs end
//               the sum
template <typename Context, typename Magnitudes>
STERNA_DEVICE double sum_in_order(Context& context, SumShared& shared, const Magnitudes& magnitudes) {
  constexpr unsigned kRow = 16;
  const std::uint64_t count = magnitudes.count();
  double sum = 0.0;
  for (std::uint64_t done = 0; done < count;) {
    if (!(sum <= 0x1p1000)) break;  // an infinity stays one
    const SumInUnits begin = in_units(sum);
    const std::uint64_t own_begin = done + context.thread() * kRow;
    UnitsAdded own{};
    for (unsigned i = 0; i < kRow && own_begin + i < count; ++i) {
      own = joined(own, units_of(magnitudes(own_begin + i), begin.unit_exponent));
    }
    const UnitsBefore added = block_units_before(context, shared, own);
    std::uint64_t units = units_after(begin.units, added.before);
    const bool is_beyond = units_after(units, own) >= kUnitsOfNextPower;
    const unsigned first = first_beyond(context, shared, is_beyond);
    if (first == kBlockThreads) {
      sum = in_double({.units = units_after(begin.units, added.total), .unit_exponent = begin.unit_exponent});
      done += kBlockThreads * kRow;
      continue;
    }
    if (context.thread() == first) {
      std::uint64_t at = own_begin;
      for (;; ++at) {
        const std::uint64_t next = units_after(units, units_of(magnitudes(at), begin.unit_exponent));
        if (next >= kUnitsOfNextPower) break;
        units = next;
      }
      shared.sum = in_double({.units = units, .unit_exponent = begin.unit_exponent}) +
                   static_cast<double>(magnitudes(at));
      shared.done = at + 1;
    }
    context.sync();
    sum = shared.sum;
    done = shared.done;
  }
  return sum;
}

// Float32 in a row.
struct MagnitudeList {
  const float* magnitudes;
  std::uint64_t number;

  STERNA_DEVICE std::uint64_t count() const { return number; }
  STERNA_DEVICE float operator()(std::uint64_t i) const { return magnitudes[i]; }
};

}  // namespace sterna::compressors::gpu
