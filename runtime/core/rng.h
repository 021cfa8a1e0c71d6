// Counter-based random numbers: a value is a function of its key and its index, and of nothing else.
//
// Whoever asks, in whichever order, on whichever rank, gets the same bits; nothing is stored between calls.
#pragma once

#include <array>
#include <cstdint>

namespace sterna {

// What a stream of random numbers is for: streams of different purposes never share bits.
enum class RandomUse : std::uint32_t {
  kInitialParameters = 1,
  kShuffle = 2,
  kSyntheticData = 3,
  kDropout = 4,
  kRounding = 5,
  kSelection = 6,
  kAugmentation = 7,
  kTest = 8,
};

// Names one stream. Fields that do not apply stay 0.
struct RandomKey {
  std::uint64_t seed = 0;
  RandomUse use = RandomUse::kTest;
  std::uint32_t learner = 0;
  std::uint32_t step = 0;
  std::uint16_t layer = 0;
};

// Philox4x32-10: four random words of a 128-bit counter and a 64-bit key.
// Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
[[nodiscard]] constexpr std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter,
                                                            std::array<std::uint32_t, 2> key) noexcept {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t first = std::uint64_t{0xD2511F53u} * counter[0];
    const std::uint64_t second = std::uint64_t{0xCD9E8D57u} * counter[2];
    counter = {
        static_cast<std::uint32_t>(second >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(second),
        static_cast<std::uint32_t>(first >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(first)};
    key[0] += 0x9E3779B9u;  // a Weyl sequence
    key[1] += 0xBB67AE85u;
  }
  return counter;
}

// What philox() turns into the bits of elements 4 * (index / 4) to 4 * (index / 4) + 3 of a stream, in order.
// For code that draws many at a time: the next four elements have counter[0] + 1, as long as the index is
// below 2^34.
struct RandomBlock {
  std::array<std::uint32_t, 4> counter;
  std::array<std::uint32_t, 2> key;
};
// In the counter, index / 4 has 48 bits, the layer 16, step and learner 32 each. Kernels for GPUs draw with
// it too.
[[nodiscard]] constexpr RandomBlock random_block(const RandomKey& key, std::uint64_t index) noexcept {
  const std::uint64_t block = index / 4;
  const auto low = static_cast<std::uint32_t>(block);
  const auto high = static_cast<std::uint32_t>(block >> 32) & 0xFFFFu;
  return {.counter = {low, high | (std::uint32_t{key.layer} << 16), key.step, key.learner},
          .key = {static_cast<std::uint32_t>(key.seed),
                  static_cast<std::uint32_t>(key.seed >> 32) ^ (static_cast<std::uint32_t>(key.use) << 24)}};
}

// Returns 32 uniform bits for element `index` (below 2^50) of the stream.
[[nodiscard]] std::uint32_t random_bits(const RandomKey& key, std::uint64_t index) noexcept;

// Returns a multiple of 2^-24, uniform in [0, 1).
[[nodiscard]] float random_uniform(const RandomKey& key, std::uint64_t index) noexcept;

// Returns a standard normal value (Box-Muller, in double precision, rounded once); index is below 2^49.
[[nodiscard]] float random_normal(const RandomKey& key, std::uint64_t index) noexcept;

// Returns a uniform integer in [0, bound), bound >= 1; its bias is below bound / 2^64. The index is below
// 2^49.
[[nodiscard]] std::uint32_t random_below(const RandomKey& key, std::uint64_t index,
                                         std::uint32_t bound) noexcept;

}  // namespace sterna
