#include "runtime/data/log_mel.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

namespace sterna::data {
namespace {

// The signal of tests/golden/log_mel.py.
std::vector<std::int16_t> golden_signal(std::size_t samples) {
  std::vector<std::int16_t> signal;
  std::uint64_t state = 1;
  for (std::size_t i = 0; i < samples; ++i) {
    state = (state * 1103515245 + 12345) % (std::uint64_t{1} << 31);
    const int noise = static_cast<int>((state >> 8) % 10001) - 5000;
    signal.push_back(static_cast<std::int16_t>(noise + (i / 9 % 2 != 0 ? 8000 : -8000)));
  }
  return signal;
}

// A line of the spectrum is off by about 8 stages * 2^-24 of the root of the windowed frame's energy, which
// is below 4: 2e-6. The weakest band's energy is e^-3, a magnitude of 0.22: 2 * 2e-6 / 0.22 = 1.8e-5 of its
// logarithm, and the sum over lines adds at most 129 * 2^-24, 8e-6.
constexpr double kTolerance = 3e-5;

TEST(LogMel, IsWhatNumPyComputesByTheDefinition) {
  std::ifstream file(STERNA_GOLDEN_DIR "/log_mel.json");
  const nlohmann::json golden = nlohmann::json::parse(file);
  const auto signal = golden_signal(golden["samples"]);
  const auto expected = golden["features"].get<std::vector<std::vector<double>>>();
  ASSERT_EQ(frames_of(signal.size()), 12u);
  ASSERT_EQ(expected.size(), 12u);
  LogMel log_mel(40);
  std::vector<float> bands(40);
  for (std::size_t t = 0; t < expected.size(); ++t) {
    log_mel.frame(std::span(signal).subspan(t * kHopSamples, kFrameSamples), bands);
    for (std::size_t b = 0; b < bands.size(); ++b) {
      EXPECT_NEAR(static_cast<double>(bands[b]), expected[t][b], kTolerance)
          << "frame " << t << ", band " << b;
    }
  }
}

TEST(LogMel, CountsWholeFrames) {
  EXPECT_EQ(frames_of(0), 0u);
  EXPECT_EQ(frames_of(199), 0u);
  EXPECT_EQ(frames_of(200), 1u);
  EXPECT_EQ(frames_of(279), 1u);
  EXPECT_EQ(frames_of(280), 2u);
}

// log 1e-10 = -23.02585.
TEST(LogMel, HasALeastEnergyForSilence) {
  LogMel log_mel(7);
  std::vector<float> bands(7);
  log_mel.frame(std::vector<std::int16_t>(kFrameSamples, 0), bands);
  for (float band : bands) EXPECT_NEAR(band, -23.02585f, 1e-5f);
}

}  // namespace
}  // namespace sterna::data
