// What becomes of what the device has found out, on the engine: payloads in a row, lengths, refusals.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "compressors/gpu/outcomes.h"
#include "runtime/core/rng.h"
#include "runtime/device/host_context.h"

namespace sterna::compressors::gpu {
namespace {

using testing::ElementsAre;

// A payload of so many bytes in room for `most`, at a multiple of 4.
std::vector<std::uint32_t> payload_of(std::size_t bytes, std::size_t most) {
  std::vector<std::uint32_t> words(most / 4 + 1, 0xeeeeeeeeu);
  auto* const payload = reinterpret_cast<unsigned char*>(words.data());
  for (std::size_t i = 0; i < bytes; ++i) {
    payload[i] = static_cast<unsigned char>(random_bits({.seed = bytes}, i));
  }
  return words;
}

// 3 bytes get a byte of padding, 0 and 4 none; 5000 take several blocks.
TEST(Outcomes, SectionsStandInARowWithTheirLengths) {
  constexpr std::size_t kMost = 6000;
  const std::vector<std::size_t> lengths = {3, 0, 5000, 4, 5998};
  const std::vector<std::size_t> begins = {0, 4, 4, 5004, 5008};
  device::HostLauncher launch;
  std::vector<std::uint32_t> message(11008 / 4, 0xddddddddu);
  std::vector<std::uint32_t> ends(lengths.size() + 1, 0), table(lengths.size(), 77);
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    const std::vector<std::uint32_t> payload = payload_of(lengths[i], kMost);
    const Outcome outcome{.payload_bytes = lengths[i]};
    append_section(launch, std::as_bytes(std::span(payload)).first(kMost), &outcome,
                   {.message = reinterpret_cast<std::byte*>(message.data()),
                    .begin = &ends[i],
                    .end = &ends[i + 1],
                    .length = &table[i]});
  }
  EXPECT_THAT(table, ElementsAre(3, 0, 5000, 4, 5998));
  EXPECT_THAT(ends, ElementsAre(0, 4, 4, 5004, 5008, 11008));
  const auto* const bytes = reinterpret_cast<const unsigned char*>(message.data());
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    const std::vector<std::uint32_t> payload = payload_of(lengths[i], kMost);
    EXPECT_EQ(std::memcmp(bytes + begins[i], payload.data(), lengths[i]), 0) << "section " << i;
  }
  EXPECT_EQ(bytes[3], 0);
  EXPECT_EQ(bytes[11006], 0);
  EXPECT_EQ(bytes[11007], 0);
}

TEST(Outcomes, TellTheLengthsOfAnIndexSection) {
  device::HostLauncher launch;
  const Outcome outcome{.payload_bytes = 12, .index_bytes = 7, .elements_sent = 3};
  std::vector<std::uint32_t> lengths(2);
  store_index_lengths(launch, &outcome, lengths.data());
  EXPECT_THAT(lengths, ElementsAre(7, 12));
}

TEST(Outcomes, NameTheLastThatWasRefused) {
  device::HostLauncher launch;
  std::vector<Outcome> outcomes(1000);
  std::uint32_t last = 0;
  note_refusals(launch, std::span<const Outcome>(outcomes), &last);
  note_refusals(launch, std::span<const Outcome>(), &last);
  EXPECT_EQ(last, 0u);
  outcomes[3].is_refused = 1;
  outcomes[700].is_refused = 1;
  note_refusals(launch, std::span<const Outcome>(outcomes), &last);
  EXPECT_EQ(last, 701u);
}

}  // namespace
}  // namespace sterna::compressors::gpu
