// Every set of kernels gives the bytes of the plain one, on fuzzed lengths and values.
#include "compressors/kernels/kernels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <limits>
#include <string>
#include <vector>

#include "runtime/core/rng.h"

namespace sterna::compressors::kernels {
namespace {

constexpr auto kGuard = std::byte{0xa5};
constexpr std::size_t kGuardBytes = 64;

// Normal values, small integers (ties), zeros, denormals, or any finite pattern; one round in eight has NaN
// and infinity.
float fuzzed_value(std::uint64_t round, std::uint64_t i) {
  const RandomKey key{.seed = round};
  const std::uint32_t bits = random_bits(key, i);
  const bool may_be_wild = round % 8 == 7;
  if (may_be_wild && bits % 16 == 0) return std::bit_cast<float>(bits | 0x7f800000u);
  if (may_be_wild && bits % 16 == 1) return std::numeric_limits<float>::infinity();
  switch (round % 5) {
    case 0:
      return random_normal(key, i);
    case 1:
      return static_cast<float>(static_cast<int>(bits >> 16 & 7) - 3);
    case 2:
      return bits % 64 == 0 ? 1.0f : 0.0f;
    case 3:
      return std::bit_cast<float>(bits & 0x803fffffu);
    default:
      return std::bit_cast<float>(bits & ~0x40000000u);
  }
}

struct Layer {
  std::vector<float> gradient;
  std::vector<float> residue;
};

Layer fuzzed_layer(std::uint64_t round, std::size_t n) {
  Layer layer{std::vector<float>(n), std::vector<float>(n)};
  for (std::size_t i = 0; i < n; ++i) {
    layer.gradient[i] = fuzzed_value(round, 2 * i);
    layer.residue[i] = fuzzed_value(round, 2 * i + 1);
  }
  return layer;
}

std::vector<std::uint32_t> patterns(const std::vector<float>& values) {
  std::vector<std::uint32_t> bits;
  for (const float value : values) {
    // Which of two NaNs an addition passes on is the processor's choice of operands, not ours.
    bits.push_back(value != value ? 0x7fc00000u : std::bit_cast<std::uint32_t>(value));
  }
  return bits;
}

struct BinsResult {
  PackedBins packed;
  std::vector<std::byte> codes;
  std::vector<std::byte> bitmap;
  std::vector<std::uint32_t> residue;

  bool operator==(const BinsResult& other) const {
    return packed.codes == other.packed.codes && packed.bins_sent == other.packed.bins_sent &&
           packed.sum_of_maxima == other.packed.sum_of_maxima && codes == other.codes &&
           bitmap == other.bitmap && residue == other.residue;
  }
};

BinsResult run(PackBins pack, Layer layer, std::size_t bin_elements, std::size_t code_bytes) {
  const std::size_t n = layer.gradient.size();
  const std::size_t bins = (n + bin_elements - 1) / bin_elements;
  std::vector<std::byte> codes(n * code_bytes + 1 + kGuardBytes, kGuard);  // 1: codes need no alignment
  std::vector<std::byte> bitmap((bins + 7) / 8, kGuard);
  BinsResult result;
  result.packed =
      pack(layer.gradient.data(), layer.residue.data(), n, bin_elements, codes.data() + 1, bitmap.data());
  for (std::size_t i = n * code_bytes + 1; i < codes.size(); ++i)
    EXPECT_EQ(codes[i], kGuard) << "past the codes";
  codes.resize(result.packed.codes * code_bytes + 1);
  result.codes = codes;
  result.bitmap = bitmap;
  result.residue = patterns(layer.residue);
  return result;
}

TEST(Kernels, AreAtLeastThePlainOnesAndTheLastIsChosen) {
  const auto kernels = supported_kernels();
  ASSERT_FALSE(kernels.empty());
  EXPECT_EQ(kernels.front().name, "plain");
  EXPECT_EQ(kernels.back().name, fastest_kernels().name);
}

TEST(Kernels, AllPackBinsToTheBytesOfThePlainOne) {
  for (std::uint64_t round = 0; round < 2000; ++round) {
    const RandomKey key{.seed = round, .use = RandomUse::kSelection};
    const std::size_t n = random_below(key, 0, round % 10 == 0 ? 5000 : 300);
    const std::size_t short_bin = 1 + random_below(key, 1, 64);
    const std::size_t long_bin = 1 + random_below(key, 2, 700);
    const Layer layer = fuzzed_layer(round, n);
    const BinsResult bytes = run(pack_bins_8_plain, layer, short_bin, 1);
    const BinsResult words = run(pack_bins_16_plain, layer, long_bin, 2);
    for (const Kernels& kernels : supported_kernels()) {
      SCOPED_TRACE(testing::Message() << kernels.name << ", round " << round << ", n = " << n);
      ASSERT_EQ(run(kernels.pack_bins_8, layer, short_bin, 1), bytes) << "bins of " << short_bin;
      ASSERT_EQ(run(kernels.pack_bins_16, layer, long_bin, 2), words) << "bins of " << long_bin;
    }
  }
}

struct ChunksResult {
  std::vector<std::uint32_t> offsets;
  std::vector<std::uint32_t> values;
  std::vector<std::uint32_t> residue;

  bool operator==(const ChunksResult&) const = default;
};

ChunksResult run(SelectInChunks select, Layer layer, std::size_t chunk_elements, float beta) {
  const std::size_t n = layer.gradient.size();
  std::vector<std::uint32_t> offsets((n + chunk_elements - 1) / chunk_elements);
  std::vector<float> values(offsets.size());
  select(layer.gradient.data(), layer.residue.data(), n, chunk_elements, beta, offsets.data(), values.data());
  return {offsets, patterns(values), patterns(layer.residue)};
}

TEST(Kernels, AllSelectInChunksWhatThePlainOneSelects) {
  for (std::uint64_t round = 0; round < 2000; ++round) {
    const RandomKey key{.seed = round, .use = RandomUse::kSelection};
    const std::size_t n = random_below(key, 0, round % 10 == 0 ? 5000 : 300);
    const std::size_t chunk = 1 + random_below(key, 1, 200);
    const float beta = round % 2 == 0 ? 1.0f : 0.1f;
    const Layer layer = fuzzed_layer(round, n);
    const ChunksResult plain = run(select_in_chunks_plain, layer, chunk, beta);
    for (const Kernels& kernels : supported_kernels()) {
      SCOPED_TRACE(testing::Message() << kernels.name << ", round " << round << ", n = " << n);
      ASSERT_EQ(run(kernels.select_in_chunks, layer, chunk, beta), plain) << "chunks of " << chunk;
    }
  }
}

}  // namespace
}  // namespace sterna::compressors::kernels
