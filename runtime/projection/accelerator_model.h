// A step of a worker with an accelerator, whose gradient goes up to a parameter server and comes down again,
// nothing overlapped: what ScaleCom (arXiv:2104.11125) reports speed-ups of in its end-to-end performance
// section.
//
// What is known of the paper's table: speed-ups of 2 to 1.23 at 100 TFLOP/s a worker and of 4.1 to 1.75 at
// 300 TFLOP/s, read in a secondary source. That they belong to mini-batches of 8 to 32 images of ResNet-50 a
// worker is from memory. The link, the bytes a value and the utilisation are not known: below are two sets
// that were worked out to fit.
#pragma once

#include <vector>

#include "runtime/projection/closed_forms.h"

namespace sterna::projection {

struct AcceleratorModel {
  double parameters = 25.56e6;               // of ResNet-50
  double flops_per_sample = 3 * 2 * 4.09e9;  // forward and, twice that, backward; 2 for a multiply and an add
  double peak_flops_per_second = 100e12;
  double utilisation = 0.75;
  double value_bytes = 4.0;
  double bytes_per_second = 64e9;  // up and down share it

  [[nodiscard]] double compute_seconds(double samples) const;
  [[nodiscard]] double communication_seconds(const WorkerBytes& bytes) const;
};

// The utilisation at which a dense exchange takes as long as computing 8 samples at 100 TFLOP/s.
[[nodiscard]] AcceleratorModel calibrated_model(double peak_flops_per_second);

// Three quarters of the peak.
[[nodiscard]] AcceleratorModel physical_model(double peak_flops_per_second);

struct AcceleratorRow {
  double peak_flops_per_second = 0.0;
  double samples = 0.0;     // a worker's mini-batch
  double calibrated = 0.0;  // speed-up over dense where nothing is left to send
  double physical = 0.0;    // ... where ScaleCom's bytes are: rate 96, 128 workers
};

// At 100 and 300 TFLOP/s, mini-batches of 8 and 32.
[[nodiscard]] std::vector<AcceleratorRow> accelerator_table();

}  // namespace sterna::projection
