// What every registered compressor owes its callers, over lengths, layer kinds, settings and kinds of values.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "runtime/core/errors.h"
#include "tests/compressors/encoding.h"

namespace sterna::compressors {
namespace {
constexpr std::size_t kLengths[] = {0, 1, 7, 8, 9, 63, 64, 65, 1000, 100003};
constexpr LayerKind kKinds[] = {LayerKind::kConvolution, LayerKind::kFullyConnected};

struct Setting {
  std::string label;
  Options options;
};

std::vector<Setting> settings() {
  return {
      {"defaults", {}},
      {"rate 1, bins of 1", {.rate = 1, .bin_conv = 1, .bin_fc = 1}},
      {"rate 7, bins of 64 and 65, threshold 1", {.rate = 7, .bin_conv = 64, .bin_fc = 65, .threshold = 1}},
      {"rate 65536, bins of 16384", {.rate = 65536, .bin_conv = 16384, .bin_fc = 16384}},
      {"rate 8, exact", {.rate = 8, .selection = Selection::kExact}},
  };
}

// Kinds of gradients; each is finite, and so is twice its sum.
enum class Content { kNormal, kZeros, kEqual, kDenormal, kHuge, kSparse, kAlternating };
constexpr Content kContents[] = {Content::kNormal, Content::kZeros,  Content::kEqual,      Content::kDenormal,
                                 Content::kHuge,   Content::kSparse, Content::kAlternating};

// Computed once a seed: most of the suite's time would go into them.
const Values& longest_normal_values(std::uint64_t seed) {
  static std::map<std::uint64_t, Values> known;
  const auto [at, is_new] = known.try_emplace(seed);
  if (is_new) at->second = normal_values(std::ranges::max(kLengths), seed);
  return at->second;
}

float value_of(Content content, std::size_t i, std::uint64_t seed, float normal) {
  switch (content) {
    case Content::kNormal:
      return normal;
    case Content::kZeros:
      return 0.0f;
    case Content::kEqual:
      return -0.5f;
    case Content::kDenormal:
      return normal * 1e-40f;
    case Content::kHuge:
      return normal * 1e37f;
    case Content::kSparse:
      return i % 997 == 0 ? normal : 0.0f;
    case Content::kAlternating:
      return (i + seed) % 2 == 0 ? 1.0f : -1.0f;
  }
  return 0.0f;
}

Values gradient_of(Content content, std::size_t n, std::uint64_t seed) {
  const Values& normal = longest_normal_values(seed);
  Values gradient(n);
  for (std::size_t i = 0; i < n; ++i) gradient[i] = value_of(content, i, seed, normal[i]);
  return gradient;
}

Values residue_for(const Compressor& compressor, std::size_t n) {
  return Values(compressor.has_residue() ? n : 0);
}

class CompressorContract : public testing::TestWithParam<CompressorEntry> {
 protected:
  // Calls check(compressor, n) for each setting, layer kind and length.
  template <typename Check>
  void for_each_layer(Check check) {
    for (const Setting& setting : settings()) {
      for (const LayerKind kind : kKinds) {
        for (const std::size_t n : kLengths) {
          SCOPED_TRACE(testing::Message()
                       << setting.label << ", n = " << n << ", kind " << static_cast<int>(kind));
          check(*GetParam().make({.elements = n, .kind = kind}, setting.options), n);
          if (HasFatalFailure()) return;
        }
      }
    }
  }
};

// send() and follow() check the guards; the gradient is a const span of a vector that is compared afterwards.
TEST_P(CompressorContract, StaysWithinItsBoundsAndLeavesTheGradientAlone) {
  for_each_layer([](const Compressor& compressor, std::size_t n) {
    for (const Content content : kContents) {
      Values residue = residue_for(compressor, n);
      for (std::uint64_t step = 0; step < 3; ++step) {
        const Values gradient = gradient_of(content, n, step);
        const Values before = gradient;
        const Sent sent = send(compressor, gradient, residue, {.step = step});
        EXPECT_LE(sent.elements, n);
        EXPECT_EQ(gradient, before);
        EXPECT_NO_THROW(decoded(compressor, sent, n));
      }
    }
  });
}

// In units of float32's rounding, 2^-24, relative: by how much decode + new residue may miss old residue +
// gradient.
//   selectors            0 where summed: sent or kept, rounded in neither; topk, beta: their own tests
//   those that quantise  fl(fl(m + g) -+ scale) +- scale: the first rounding is that of the sum it is
//                        compared with, the second and the addition here have results no larger than
//                        |G| + scale: 2 (|G| + scale)
//   dense                the format's rounding, checked in dense_test.cc and here with its relative bound
float tolerance(const Compressor& compressor, float sum, float sent) {
  constexpr float kUlp = 0x1p-24f;
  constexpr float kSmallest = std::numeric_limits<float>::denorm_min();
  if (compressor.exchange() == Exchange::kGathered && sent != 0.0f) {
    return 2 * kUlp * (std::fabs(sum) + std::fabs(sent)) + kSmallest;
  }
  switch (compressor.value_format()) {
    case numerics::ValueFormat::kFloat16:
      return 0x1p-11f * std::fabs(sum) + 0x1p-25f;
    case numerics::ValueFormat::kBfloat16:
      return 0x1p-8f * std::fabs(sum) + 0x1p-134f;
    case numerics::ValueFormat::kFloat32:
      break;
  }
  return 0.0f;
}

TEST_P(CompressorContract, SendsOrKeepsEveryBitOfTheGradient) {
  for_each_layer([](const Compressor& compressor, std::size_t n) {
    const bool is_dense = !compressor.has_residue();
    const bool is_float16 = compressor.value_format() == numerics::ValueFormat::kFloat16;
    for (const Content content : kContents) {
      if (is_float16 && content == Content::kHuge) continue;  // saturates: dense_test.cc
      Values residue = residue_for(compressor, n);
      for (std::uint64_t step = 0; step < 3; ++step) {
        const Values gradient = gradient_of(content, n, step);
        const Values before = residue;
        const Values out = decoded(compressor, send(compressor, gradient, residue, {.step = step}), n);
        for (std::size_t i = 0; i < n; ++i) {
          const float sum = is_dense ? gradient[i] : before[i] + gradient[i];
          const float whole = is_dense ? out[i] : out[i] + residue[i];
          ASSERT_LE(std::fabs(whole - sum), tolerance(compressor, sum, out[i])) << "element " << i;
        }
      }
    }
  });
}

TEST_P(CompressorContract, SendsNothingOfALayerOfZerosUnlessPayloadsAreAllAlike) {
  for_each_layer([](const Compressor& compressor, std::size_t n) {
    Values residue = residue_for(compressor, n);
    const Sent sent = send(compressor, Values(n), residue);
    const bool is_summed = compressor.exchange() == Exchange::kSummed;
    EXPECT_EQ(sent.elements, is_summed ? compressor.payload_values(sent.indices) : 0u);
    EXPECT_EQ(sent.payload.empty(), n == 0 || !is_summed);
    EXPECT_THAT(decoded(compressor, sent, n), testing::Each(0.0f));
    EXPECT_THAT(residue, testing::Each(0.0f));
  });
}

// The second instance has another history, and encodes another layer's gradient in between.
TEST_P(CompressorContract, GivesTheSameBytesWhateverWasEncodedBefore) {
  for_each_layer([this](const Compressor& compressor, std::size_t n) {
    const Values gradient = gradient_of(Content::kNormal, n, /*seed=*/5);
    Values first_residue = residue_for(compressor, n);
    Values second_residue = first_residue;
    Values other_residue = first_residue;
    const Sent first = send(compressor, gradient, first_residue, {.step = 9});
    send(compressor, gradient_of(Content::kHuge, n, /*seed=*/6), other_residue, {.step = 3});
    const Sent second = send(compressor, gradient, second_residue, {.step = 9});
    EXPECT_EQ(first.payload, second.payload);
    EXPECT_EQ(first.indices, second.indices);
    EXPECT_EQ(first_residue, second_residue);
  });
}

TEST_P(CompressorContract, StaysMemorySafeWithNaNAndInfinity) {
  for_each_layer([](const Compressor& compressor, std::size_t n) {
    Values gradient = gradient_of(Content::kNormal, n, /*seed=*/2);
    for (std::size_t i = 0; i < n; i += 3) {
      gradient[i] =
          i % 2 == 0 ? std::numeric_limits<float>::quiet_NaN() : std::numeric_limits<float>::infinity();
    }
    Values residue = residue_for(compressor, n);
    for (std::uint64_t step = 0; step < 2; ++step) {
      EXPECT_NO_THROW(decoded(compressor, send(compressor, gradient, residue, {.step = step}), n));
    }
  });
}

TEST_P(CompressorContract, FollowsTheLeaderAtItsIndices) {
  for_each_layer([](const Compressor& compressor, std::size_t n) {
    if (compressor.exchange() != Exchange::kLeaderIndexed) return;
    Values leaders = residue_for(compressor, n);
    Values followers = leaders;
    const Values gradient = gradient_of(Content::kSparse, n, /*seed=*/1);
    const Sent lead = send(compressor, gradient, leaders);
    // With the leader's own gradient and residue, a follower does what the leader did.
    const Sent same = follow(compressor, gradient, followers, lead.indices);
    EXPECT_EQ(same.payload, lead.payload);
    EXPECT_EQ(same.elements, lead.elements);
    EXPECT_EQ(followers, leaders);
    EXPECT_EQ(compressor.payload_values(lead.indices) * 4, lead.payload.size());
  });
}

TEST_P(CompressorContract, SharesIndicesThatTheLearnerDoesNotChange) {
  for_each_layer([](const Compressor& compressor, std::size_t n) {
    if (compressor.exchange() != Exchange::kSummed) return;
    Values residue = residue_for(compressor, n);
    Values others = residue;
    const Values gradient = gradient_of(Content::kNormal, n, /*seed=*/1);
    const Sent one = send(compressor, gradient, residue, {.step = 3, .learner = 0, .layer = 2});
    const Sent other = send(compressor, gradient, others, {.step = 3, .learner = 5, .layer = 2});
    EXPECT_EQ(one.indices, other.indices);
    EXPECT_EQ(one.payload, other.payload);
  });
}

TEST_P(CompressorContract, ListsTheElementsThatItAdds) {
  for_each_layer([](const Compressor& compressor, std::size_t n) {
    if (!compressor.element_values()) return;
    for (const Content content : kContents) {
      Values residue(n);
      const Sent sent = send(compressor, gradient_of(content, n, /*seed=*/1), residue);
      std::vector<Element> elements = {{.index = 7, .value = 7.0f}};  // overwritten
      compressor.read_elements(sent.payload, elements);
      EXPECT_EQ(elements.size(), sent.elements);
      Values out(n);
      std::size_t lowest = 0;
      for (const Element& element : elements) {
        ASSERT_TRUE(element.index >= lowest && element.index < n) << element.index;
        lowest = element.index + 1;
        out[element.index] = element.value;
        if (compressor.element_values() == ElementValues::kFloats) {
          EXPECT_NE(element.value, 0.0f);
        } else {
          EXPECT_EQ(std::fabs(element.value), std::fabs(elements[0].value));
        }
      }
      EXPECT_EQ(out, decoded(compressor, sent, n));
    }
  });
}

// Either WireError, or a result; AddressSanitizer sees the rest. `bytes` is a buffer exactly as long as its
// content.
enum class Part { kIndices, kPayload };

bool lists(const Compressor& compressor, const Bytes& payload) {
  std::vector<Element> elements;
  try {
    compressor.read_elements(payload, elements);
  } catch (const WireError&) {
    return false;
  }
  return true;
}

bool decodes(const Compressor& compressor, const Sent& sent, Part part, const Bytes& bytes, std::size_t n) {
  Sent changed = sent;
  Bytes& changed_part = part == Part::kIndices ? changed.indices : changed.payload;
  changed_part = Bytes(bytes.begin(), bytes.end());
  changed_part.shrink_to_fit();
  try {
    decoded(compressor, changed, n);
  } catch (const WireError&) {
    EXPECT_FALSE(compressor.element_values() && part == Part::kPayload && lists(compressor, changed.payload));
    return false;
  }
  EXPECT_TRUE(!compressor.element_values() || lists(compressor, changed.payload));
  return true;
}

// The lengths that every prefix is tried at; the rest are sampled.
constexpr std::size_t kFullyTried = 300;

// A gathered payload cut short may still be one, of a layer whose other bins... only where its grammar says
// so. Nothing may crash; a byte too many is never right for any pattern but this.
TEST_P(CompressorContract, RefusesOrSurvivesEveryTruncationAndExtension) {
  for (const Setting& setting : settings()) {
    for (const LayerKind kind : kKinds) {
      for (const std::size_t n : {0u, 1u, 9u, 65u, 1000u}) {
        SCOPED_TRACE(testing::Message() << setting.label << ", n = " << n);
        const auto compressor = GetParam().make({.elements = n, .kind = kind}, setting.options);
        Values residue = residue_for(*compressor, n);
        const Sent sent = send(*compressor, gradient_of(Content::kNormal, n, /*seed=*/1), residue);
        for (const Part part : {Part::kIndices, Part::kPayload}) {
          const Bytes& whole = part == Part::kIndices ? sent.indices : sent.payload;
          const bool is_opaque = compressor->exchange() == Exchange::kGathered;
          for (std::size_t length = 0; length < std::min(whole.size(), kFullyTried); ++length) {
            const bool is_taken =
                decodes(*compressor, sent, part,
                        {whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)}, n);
            EXPECT_TRUE(is_opaque || !is_taken) << length;
          }
          Bytes longer = whole;
          for (int extra = 0; extra < 9; ++extra) {
            longer.push_back(std::byte{0});
            const bool is_taken = decodes(*compressor, sent, part, longer, n);
            EXPECT_TRUE((is_opaque && part == Part::kPayload) || !is_taken) << "longer by " << extra + 1;
          }
        }
      }
    }
  }
}

TEST_P(CompressorContract, RefusesOrSurvivesFlippedBitsAndRandomBytes) {
  std::uint64_t round = 0;
  for (const Setting& setting : settings()) {
    for (const std::size_t n : {1u, 9u, 65u, 1000u}) {
      SCOPED_TRACE(testing::Message() << setting.label << ", n = " << n);
      const auto compressor = GetParam().make({.elements = n, .kind = kKinds[n % 2]}, setting.options);
      Values residue = residue_for(*compressor, n);
      const Sent sent = send(*compressor, gradient_of(Content::kSparse, n, /*seed=*/1), residue);
      for (const Part part : {Part::kIndices, Part::kPayload}) {
        const Bytes& whole = part == Part::kIndices ? sent.indices : sent.payload;
        for (std::size_t bit = 0; bit < std::min(8 * whole.size(), 4 * kFullyTried); ++bit) {
          Bytes flipped = whole;
          flipped[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
          decodes(*compressor, sent, part, flipped, n);
        }
        for (int i = 0; i < 200; ++i) {
          const RandomKey key{.seed = ++round};
          Bytes random(random_below(key, 0, static_cast<std::uint32_t>(whole.size()) + 20));
          for (std::size_t at = 0; at < random.size(); ++at)
            random[at] = static_cast<std::byte>(random_bits(key, at + 1));
          decodes(*compressor, sent, part, random, n);
        }
      }
    }
  }
}

TEST_P(CompressorContract, LeavesTheResidueAloneWhenTheIndicesAreMalformed) {
  const auto compressor = GetParam().make({.elements = 1000}, Options{.rate = 10});
  if (compressor->max_index_bytes() == 0) return;
  Values residue = gradient_of(Content::kNormal, 1000, /*seed=*/3);
  const Values before = residue;
  const Bytes malformed(compressor->max_index_bytes() + 1);
  EXPECT_THROW(follow(*compressor, Values(1000, 1.0f), residue, malformed), WireError);
  EXPECT_EQ(residue, before);
}

TEST_P(CompressorContract, ChecksTheLengthsOfItsArguments) {
  const auto compressor = GetParam().make({.elements = 10}, Options{});
  Values residue = residue_for(*compressor, 10);
  Bytes payload(compressor->max_payload_bytes());
  const Bytes indices;
  EXPECT_THROW(compressor->encode(Values(9), residue, indices, {}, payload), InternalError);
  EXPECT_THROW(
      compressor->encode(Values(10), residue, indices, {}, std::span(payload).first(payload.size() - 1)),
      InternalError);
}

TEST_P(CompressorContract, FailsTheStepsOfAnotherPattern) {
  const auto compressor = GetParam().make({.elements = 10}, Options{});
  Values values(10);
  Bytes bytes(100);
  AlignedVector<float> scratch;
  if (compressor->exchange() == Exchange::kGathered) {
    EXPECT_THROW(static_cast<void>(compressor->payload_values({})), InternalError);
    EXPECT_THROW(compressor->scatter({}, values, values), InternalError);
    EXPECT_THROW(decode(*compressor, bytes, {}, scratch, values), WireError);
  } else {
    EXPECT_THROW(compressor->accumulate(bytes, values), InternalError);
  }
  if (!compressor->element_values()) {
    std::vector<Element> elements;
    EXPECT_THROW(compressor->read_elements(bytes, elements), InternalError);
  }
  if (compressor->exchange() == Exchange::kSummed) {
    EXPECT_THROW(static_cast<void>(compressor->payload_values(bytes)), WireError);
    EXPECT_THROW(compressor->scatter(bytes, values, values), WireError);
  }
  if (compressor->exchange() == Exchange::kGathered) {
    EXPECT_EQ(compressor->max_index_bytes(), 0u);
    EXPECT_EQ(compressor->write_shared_indices({}, bytes), 0u);
  }
  if (compressor->exchange() != Exchange::kLeaderIndexed) {
    EXPECT_THROW(compressor->encode_as_leader(values, values, {}, bytes, bytes), InternalError);
  }
}

INSTANTIATE_TEST_SUITE_P(Registered, CompressorContract, testing::ValuesIn(compressor_table()),
                         [](const auto& test) { return std::string(test.param.name); });
}  // namespace
}  // namespace sterna::compressors
