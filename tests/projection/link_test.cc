#include "runtime/projection/link.h"

#include <gtest/gtest.h>

namespace sterna::projection {
namespace {

constexpr double kLatency = 50e-6;
constexpr double kPerByte = 1e-8;
constexpr double kMessage = 5e-6;
constexpr Link kLink{.latency_seconds = kLatency, .seconds_per_byte = kPerByte, .message_seconds = kMessage};

constexpr Link kKnown{.latency_seconds = kLatency, .message_seconds = kMessage};

Observation seen(double rounds, double messages, double bytes, const Link& link = kLink) {
  const Traffic traffic{.rounds = rounds, .messages = messages, .path_bytes = bytes, .sent_bytes = bytes};
  return {.traffic = traffic, .seconds = transfer_seconds(traffic, link)};
}

TEST(Link, AddsLatencyMessagesAndBytes) {
  // 4 x 50 us + 12 x 5 us + 6000 x 10 ns = 320 us.
  EXPECT_NEAR(seen(4, 12, 6000).seconds, 320e-6, 1e-15);
}

TEST(FitLink, FindsWhatTwoObservationsWereMadeWith) {
  // Relative errors of some roundings, 2^-53 each, times the condition of two equations: far below 1e-9.
  const Observation two[] = {seen(3, 3, 2e6), seen(5, 5, 3e4)};
  const Link link =
      fit_link(two, {.latency_seconds = 1.0, .message_seconds = kMessage}, /*is_latency_known=*/false);
  EXPECT_NEAR(link.latency_seconds / kLatency, 1.0, 1e-9);
  EXPECT_NEAR(link.seconds_per_byte / kPerByte, 1.0, 1e-9);
  EXPECT_EQ(link.message_seconds, kMessage);
}

TEST(Link, GivesABurstAtOnce) {
  // 6000 bytes take 60 us, of which the burst gives 20; 1000 take 10, all of it given.
  Link link = kLink;
  link.burst_seconds = 20e-6;
  EXPECT_NEAR(seen(4, 12, 6000, link).seconds, 300e-6, 1e-15);
  EXPECT_NEAR(seen(4, 12, 1000, link).seconds, 260e-6, 1e-15);
}

TEST(FitLink, KnowsWhatABurstGave) {
  // 20 ms of bytes, less the burst of 1 ms; and 0.3 ms, which take no time.
  Link link = kLink;
  link.burst_seconds = 1e-3;
  const Observation two[] = {seen(3, 3, 2e6, link), seen(5, 5, 3e4, link)};
  const Link fitted = fit_link(two, {.message_seconds = kMessage, .burst_seconds = 1e-3}, false);
  EXPECT_NEAR(fitted.latency_seconds / kLatency, 1.0, 1e-9);
  EXPECT_NEAR(fitted.seconds_per_byte / kPerByte, 1.0, 1e-9);
  EXPECT_EQ(fitted.burst_seconds, 1e-3);
}

TEST(FitLink, TakesTheLatencyAsGivenWhereItCannotTell) {
  const Observation one[] = {seen(3, 3, 2e6)};
  EXPECT_NEAR(fit_link(one, kKnown, false).seconds_per_byte / kPerByte, 1.0, 1e-9);
  const Observation alike[] = {seen(3, 3, 2e6), seen(3, 3, 2.001e6)};
  EXPECT_EQ(fit_link(alike, kKnown, false).latency_seconds, kLatency);
}

TEST(FitLink, TakesTheLatencyAsGivenWhereItIsKnown) {
  const Observation two[] = {seen(3, 3, 2e6), seen(5, 5, 3e4)};
  EXPECT_EQ(fit_link(two, {.latency_seconds = 7e-6, .message_seconds = kMessage}, true).latency_seconds,
            7e-6);
}

TEST(FitLink, FindsNothingBelowZero) {
  // Fewer bytes took longer: all is latency. 1 and 2 ms over 2 rounds each, in the mean 750 us a round.
  const Observation slow[] = {{.traffic = {.rounds = 2, .messages = 0, .path_bytes = 2e6}, .seconds = 1e-3},
                              {.traffic = {.rounds = 2, .messages = 0, .path_bytes = 1e6}, .seconds = 2e-3}};
  const Link link = fit_link(slow, {.latency_seconds = kLatency}, false);
  EXPECT_EQ(link.seconds_per_byte, 0.0);
  EXPECT_NEAR(link.latency_seconds, 750e-6, 1e-12);
  // The latency alone explains more than was seen.
  EXPECT_EQ(fit_link(slow, {.latency_seconds = 1.0}, true).seconds_per_byte, 0.0);
}

}  // namespace
}  // namespace sterna::projection
