#include "runtime/core/spans.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace sterna {
namespace {

TEST(Span, IsInTheLogWhenItHasEnded) {
  SpanLog log(8);
  {
    Span outer(&log, "outer", 7);
    {
      const Span inner(&log, "inner", 7);
      EXPECT_TRUE(log.spans().empty());
    }
    ASSERT_EQ(log.spans().size(), 1u);
  }
  ASSERT_EQ(log.spans().size(), 2u);
  const SpanRecord& inner = log.spans()[0];
  const SpanRecord& outer = log.spans()[1];
  EXPECT_STREQ(inner.name, "inner");
  EXPECT_STREQ(outer.name, "outer");
  EXPECT_EQ(outer.step, 7u);
  EXPECT_LE(outer.time.begin, inner.time.begin);
  EXPECT_LE(inner.time.begin, inner.time.end);
  EXPECT_LE(inner.time.end, outer.time.end);
}

TEST(Span, EndsOnce) {
  SpanLog log(8);
  {
    Span span(&log, "span", 0);
    span.end();
    EXPECT_EQ(log.spans().size(), 1u);
    span.end();
  }
  EXPECT_EQ(log.spans().size(), 1u);
}

TEST(Span, HasItsArgumentsInOrder) {
  SpanLog log(1);
  {
    Span span(&log, "exchange", 3, {.key = "learner", .number = 2});
    span.set("bucket", std::uint64_t{1});
    span.set("first_parameter", "fc.weight");
  }
  const auto& arguments = log.spans()[0].arguments;
  EXPECT_STREQ(arguments[0].key, "learner");
  EXPECT_EQ(arguments[0].number, 2u);
  EXPECT_EQ(arguments[1].number, 1u);
  EXPECT_STREQ(arguments[2].text, "fc.weight");
  EXPECT_EQ(arguments[3].key, nullptr);
}

TEST(Span, IsInTheLogWhereAnExceptionEndsIt) {
  SpanLog log(1);
  try {
    const Span span(&log, "exchange", 0);
    throw std::runtime_error("diverged");
  } catch (const std::runtime_error&) {
  }
  EXPECT_EQ(log.spans().size(), 1u);
}

TEST(Span, WithoutALogDoesNothing) {
  Span span(nullptr, "step", 0);
  span.set("bucket", std::uint64_t{1});
  EXPECT_NO_THROW(span.end());
}

TEST(SpanLog, KeepsTheFirstAndCountsTheOthers) {
  SpanLog log(3);
  const SpanRecord* memory = log.spans().data();
  for (std::uint64_t step = 0; step < 5; ++step) const Span span(&log, "step", step);
  ASSERT_EQ(log.spans().size(), 3u);
  EXPECT_EQ(log.spans()[2].step, 2u);
  EXPECT_EQ(log.dropped_spans(), 2u);
  EXPECT_EQ(log.spans().data(), memory);  // taken at once
}

TEST(SpanLog, TakesWhatItsDocumentationSays) {
  EXPECT_EQ(sizeof(SpanRecord), 128u);
}

}  // namespace
}  // namespace sterna
