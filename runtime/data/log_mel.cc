#include "runtime/data/log_mel.h"

#include <fftw3.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <numbers>

#include "runtime/core/errors.h"

namespace sterna::data {
namespace {

constexpr std::size_t kTransformSamples = 256;
constexpr std::size_t kLines = kTransformSamples / 2 + 1;
constexpr double kHighest = 4000.0;  // Hz
constexpr float kLeastEnergy = 1e-10f;

double mel_of(double hertz) {
  return 2595.0 * std::log10(1.0 + hertz / 700.0);
}
double hertz_of(double mel) {
  return 700.0 * (std::pow(10.0, mel / 2595.0) - 1.0);
}

// FFTW plans one transform at a time, whichever thread asks.
std::mutex& planner() {
  static std::mutex mutex;
  return mutex;
}

}  // namespace

struct LogMel::Transform {
  // Estimated plans are a function of the machine; measured ones differ from run to run, and so would bits.
  Transform() {
    const std::lock_guard lock(planner());
    input = fftwf_alloc_real(kTransformSamples);
    output = fftwf_alloc_complex(kLines);
    plan = fftwf_plan_dft_r2c_1d(static_cast<int>(kTransformSamples), input, output, FFTW_ESTIMATE);
    STERNA_CHECK((plan != nullptr) == true);
  }
  ~Transform() {
    const std::lock_guard lock(planner());
    fftwf_destroy_plan(plan);
    fftwf_free(output);
    fftwf_free(input);
  }
  Transform(const Transform&) = delete;
  Transform& operator=(const Transform&) = delete;

  float* input;
  fftwf_complex* output;
  fftwf_plan plan;
};

std::size_t frames_of(std::size_t samples) {
  return samples < kFrameSamples ? 0 : 1 + (samples - kFrameSamples) / kHopSamples;
}

LogMel::LogMel(std::size_t bands)
    : bands_(bands),
      window_(kFrameSamples),
      weights_(bands * kLines),
      transform_(std::make_unique<Transform>()) {
  STERNA_CHECK(bands >= 1u);
  STERNA_CHECK(bands <= kMostBands);
  for (std::size_t i = 0; i < kFrameSamples; ++i) {
    const double turn = static_cast<double>(i) / static_cast<double>(kFrameSamples);
    window_[i] = static_cast<float>((0.5 - 0.5 * std::cos(2.0 * std::numbers::pi * turn)) / 32768.0);
  }
  const double step = mel_of(kHighest) / static_cast<double>(bands + 1);
  for (std::size_t band = 0; band < bands; ++band) {
    const double low = hertz_of(step * static_cast<double>(band));
    const double centre = hertz_of(step * static_cast<double>(band + 1));
    const double high = hertz_of(step * static_cast<double>(band + 2));
    for (std::size_t line = 0; line < kLines; ++line) {
      const double hertz =
          static_cast<double>(line) * 2.0 * kHighest / static_cast<double>(kTransformSamples);
      const double weight = std::min((hertz - low) / (centre - low), (high - hertz) / (high - centre));
      weights_[band * kLines + line] = static_cast<float>(std::max(0.0, weight));
    }
  }
}

LogMel::~LogMel() = default;

void LogMel::frame(std::span<const std::int16_t> samples, std::span<float> bands) {
  STERNA_CHECK(samples.size() == kFrameSamples);
  STERNA_CHECK(bands.size() == bands_);
  std::fill_n(transform_->input, kTransformSamples, 0.0f);
  for (std::size_t i = 0; i < kFrameSamples; ++i) {
    transform_->input[i] = window_[i] * static_cast<float>(samples[i]);
  }
  fftwf_execute(transform_->plan);
  for (std::size_t band = 0; band < bands_; ++band) {
    float energy = 0.0f;
    for (std::size_t line = 0; line < kLines; ++line) {
      const float* value = transform_->output[line];
      energy += weights_[band * kLines + line] * (value[0] * value[0] + value[1] * value[1]);
    }
    bands[band] = std::log(std::max(energy, kLeastEnergy));
  }
}

}  // namespace sterna::data
