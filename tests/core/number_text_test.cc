#include "runtime/core/number_text.h"

#include <gtest/gtest.h>

#include <limits>

namespace sterna {
namespace {

TEST(NumberText, HasThreeDigitsAndAUnit) {
  EXPECT_EQ(duration_text(0.0125), "12.5 ms");
  EXPECT_EQ(duration_text(0.0009996), "1.00 ms");
  EXPECT_EQ(duration_text(50e-6), "50.0 us");
  EXPECT_EQ(duration_text(1234.0), "1234 s");
  EXPECT_EQ(duration_text(0.0), "0 ns");
  EXPECT_EQ(link_text(10e9, 50e-6), "10 Gbit/s, 50 us");
  EXPECT_EQ(link_text(96.73e6, 0.0), "96.7 Mbit/s, 0 ns");
  EXPECT_EQ(bytes_text(2328104), "2.33 MB");
  EXPECT_EQ(bytes_text(24), "24.0 B");
  EXPECT_EQ(plain_bytes_text(20000), "20 kB");
  EXPECT_EQ(plain_number_text(0.0500, 3), "0.05");
  EXPECT_EQ(plain_number_text(200.0, 1), "200");
}

TEST(NumberText, HasSoManyDecimalPlaces) {
  EXPECT_EQ(fixed_text(0.99051, 4), "0.9905");
  EXPECT_EQ(fixed_text(-0.00026, 4), "-0.0003");
  EXPECT_EQ(fixed_text(-0.00004, 4), "0.0000");
  EXPECT_EQ(fixed_text(std::numeric_limits<double>::quiet_NaN(), 4), "not known");
}

}  // namespace
}  // namespace sterna
