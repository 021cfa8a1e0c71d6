#include "runtime/projection/quantities.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/core/errors.h"

namespace sterna::projection {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(Quantities, ReadBandwidths) {
  EXPECT_EQ(parse_bandwidth("100mbit"), 100e6);
  EXPECT_EQ(parse_bandwidth("2.5gbit"), 2.5e9);
  EXPECT_EQ(parse_bandwidth("1tbit"), 1e12);
  for (const char* wrong :
       {"", "gbit", "10", "0gbit", "-1gbit", "10 gbit", "10gbits", "1e400gbit", "nangbit", "10GB"}) {
    SCOPED_TRACE(wrong);
    EXPECT_THAT([&] { (void)parse_bandwidth(wrong); }, ThrowsMessage<ConfigError>(HasSubstr("try 10gbit")));
  }
}

TEST(Quantities, ReadDurations) {
  EXPECT_EQ(parse_duration("latency", "5us"), 5e-6);
  EXPECT_EQ(parse_duration("latency", "1.5ms"), 1.5e-3);
  EXPECT_EQ(parse_duration("latency", "0s"), 0.0);
  for (const char* wrong : {"", "50", "us", "-1us", "50 us", "1m", "infus"}) {
    SCOPED_TRACE(wrong);
    EXPECT_THAT([&] { (void)parse_duration("latency", wrong); },
                ThrowsMessage<ConfigError>(HasSubstr("[project] latency = ")));
  }
}

TEST(Quantities, ReadRanksInOrderEachOnce) {
  EXPECT_THAT(parse_ranks("8"), ElementsAre(8));
  EXPECT_THAT(parse_ranks("32,2,8,2"), ElementsAre(2, 8, 32));
  EXPECT_THAT(parse_ranks("2..16"), ElementsAre(2, 4, 8, 16));
  EXPECT_THAT(parse_ranks("3..20"), ElementsAre(3, 6, 12, 20));
  EXPECT_THAT(parse_ranks("1,4..4,6"), ElementsAre(1, 4, 6));
  EXPECT_THAT(parse_ranks("524288..1048576"), ElementsAre(524288, 1048576));
  for (const char* wrong :
       {"", ",", "2,", "0", "-2", "2..", "..8", "8..2", "2...8", "1048577", "two", "2.5", "2 8"}) {
    SCOPED_TRACE(wrong);
    EXPECT_THAT([&] { (void)parse_ranks(wrong); },
                ThrowsMessage<ConfigError>(HasSubstr("[project] ranks = ")));
  }
}

}  // namespace
}  // namespace sterna::projection
