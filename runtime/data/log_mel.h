// Speech as a recogniser sees it: logarithms of the energies in bands of equal width for the ear.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace sterna::data {

inline constexpr std::size_t kFrameSamples = 200;  // 25 ms at 8000 Hz
inline constexpr std::size_t kHopSamples = 80;     // 10 ms from frame to frame
inline constexpr std::size_t kMostBands =
    40;  // with more, the lowest would be narrower than a line of the spectrum

// Whole frames of a recording; at least kFrameSamples make one.
[[nodiscard]] std::size_t frames_of(std::size_t samples);

// One thread at a time.
class LogMel {
 public:
  //   bands  in [1, kMostBands]
  explicit LogMel(std::size_t bands);
  ~LogMel();

  // Writes one frame, [bands]: its samples / 32768 under a Hann window (periodic), with zeros up to 256; of
  // the squared magnitudes of their Fourier transform the sums under triangles, which reach from the centre
  // of one band to that of the next but one; the natural logarithms, of at least 1e-10. Centres, and the two
  // borders 0 and 4000 Hz, are equally far apart in mel(f) = 2595 log10(1 + f / 700).
  // Source: Davis and Mermelstein, IEEE Trans. ASSP 28, 1980.
  void frame(std::span<const std::int16_t> samples, std::span<float> bands);

 private:
  struct Transform;

  std::size_t bands_;
  std::vector<float> window_;   // [kFrameSamples], divided by 32768
  std::vector<float> weights_;  // [bands, lines of the spectrum]
  std::unique_ptr<Transform> transform_;
};

}  // namespace sterna::data
