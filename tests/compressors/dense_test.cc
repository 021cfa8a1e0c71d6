#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "runtime/core/errors.h"
#include "tests/compressors/encoding.h"

namespace sterna::compressors {
namespace {

Sent sent_by(std::string_view name, const Values& gradient) {
  Values no_residue;
  return send(*make_compressor(name, {.elements = gradient.size()}, {}), gradient, no_residue);
}

// 1 is 3f800000, 3c00 and 3f80; -2 is c0000000, c000 and c000.
TEST(Dense, WritesTheBytesItsGrammarShows) {
  const Values gradient = {1.0f, -2.0f};
  EXPECT_EQ(sent_by("none", gradient).payload, bytes_of({0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0}));
  EXPECT_EQ(sent_by("fp16", gradient).payload, bytes_of({0, 0x3c, 0, 0xc0}));
  EXPECT_EQ(sent_by("bf16", gradient).payload, bytes_of({0x80, 0x3f, 0, 0xc0}));
}

TEST(Dense, SaturatesAtTheLargestFiniteValue) {
  constexpr float kMax = std::numeric_limits<float>::max();
  const Values gradient = {65519.0f, 65520.0f, 1e10f, -kMax};
  const auto fp16 = make_compressor("fp16", {.elements = 4}, {});
  EXPECT_THAT(decoded(*fp16, sent_by("fp16", gradient), 4),
              testing::ElementsAre(65504, 65504, 65504, -65504));
  const auto bf16 = make_compressor("bf16", {.elements = 2}, {});
  // 7f7f0000: (2 - 2^-7) * 2^127
  EXPECT_THAT(decoded(*bf16, sent_by("bf16", {kMax, -kMax}), 2),
              testing::ElementsAre(0x1.fep127f, -0x1.fep127f));
}

TEST(Dense, RefusesAPayloadOfAnotherLength) {
  for (const std::string_view name : {"none", "fp16", "bf16"}) {
    const auto compressor = make_compressor(name, {.elements = 2}, {});
    Sent sent = sent_by(name, {1.0f, 2.0f});
    sent.payload.pop_back();
    EXPECT_THROW(decoded(*compressor, sent, 2), WireError) << name;
  }
}

}  // namespace
}  // namespace sterna::compressors
