#include "runtime/method_costs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/core/errors.h"

namespace sterna {
namespace {

using enum exchange::Method;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

// Two layers of 1000 and 9000 elements; the compressor sends a tenth of the first and a hundredth of the
// second.
const LayerCost kLayers[] = {{.elements = 1000, .payload_bytes = {4000, 2000, 400}},
                             {.elements = 9000, .payload_bytes = {36000, 18000, 360}},
                             {.elements = 10, .may_be_compressed = false, .payload_bytes = {40, 40, 40}}};

// A byte takes `byte_seconds`; the methods compress an element in 0, 1 and 3 ns.
std::array<MethodCost, kMethods> costs(double byte_seconds) {
  return {MethodCost{.compress_seconds = 0.0, .exchange_seconds = 40040 * byte_seconds, .wire_bytes = 40040},
          MethodCost{.compress_seconds = 10e-6, .exchange_seconds = 0.0, .wire_bytes = 20040},
          MethodCost{.compress_seconds = 30e-6, .exchange_seconds = 0.0, .wire_bytes = 800}};
}

TEST(CheapestMethods, WeighCompressionAgainstTheLink) {
  // Per element: dense 4 bytes; fp16 1 ns and 2 bytes; the compressor 3 ns and 0.4 or 0.04 bytes. With b ns a
  // byte, 4 b against 1 + 2 b against 3 + 0.4 b (first layer) or 3 + 0.04 b (second).
  EXPECT_THAT(cheapest_methods(kLayers, costs(0.1e-9)), ElementsAre(kDense, kDense, kDense));
  EXPECT_THAT(cheapest_methods(kLayers, costs(0.8e-9)), ElementsAre(kFloat16, kFloat16, kDense));
  EXPECT_THAT(cheapest_methods(kLayers, costs(1.1e-9)), ElementsAre(kFloat16, kConfigured, kDense));
  EXPECT_THAT(cheapest_methods(kLayers, costs(80e-9)), ElementsAre(kConfigured, kConfigured, kDense));
}

TEST(CheapestMethods, AreDenseWhereNothingIsKnown) {
  EXPECT_THAT(cheapest_methods(kLayers, {}), ElementsAre(kDense, kDense, kDense));
}

TEST(FirstNearLeast, PrefersTheFirstOfNearEquals) {
  EXPECT_EQ(first_near_least(std::vector{1.02, 1.0, 2.0}, 1.03), 0u);
  EXPECT_EQ(first_near_least(std::vector{1.04, 1.0, 2.0}, 1.03), 1u);
  EXPECT_EQ(first_near_least(std::vector{3.0}, 1.03), 0u);
}

TEST(MethodsAsText, AreReadAsTheyWereWritten) {
  const std::vector methods = {kDense, kConfigured, kFloat16};
  EXPECT_EQ(to_text(methods, "topk"), "none topk fp16");
  EXPECT_EQ(methods_of_text("none topk fp16", "topk", 3), methods);
  EXPECT_THAT([] { (void)methods_of_text("none adacomp", "topk", 2); },
              ThrowsMessage<ConfigError>(HasSubstr("\"adacomp\": must be none, fp16 or topk")));
  EXPECT_THAT([] { (void)methods_of_text("none none", "topk", 3); },
              ThrowsMessage<ConfigError>(HasSubstr("methods of 2 parameters: this model has 3")));
}

}  // namespace
}  // namespace sterna
