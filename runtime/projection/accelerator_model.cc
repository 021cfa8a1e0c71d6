#include "runtime/projection/accelerator_model.h"

namespace sterna::projection {
namespace {

constexpr double kCalibrationPeak = 100e12;
constexpr double kCalibrationSamples = 8.0;
constexpr double kRate = 96.0;
constexpr double kWorkers = 128.0;

ClosedFormInput input_of(const AcceleratorModel& model) {
  return {
      .workers = kWorkers, .parameters = model.parameters, .rate = kRate, .value_bytes = model.value_bytes};
}

double speed_up(const AcceleratorModel& model, double samples, const WorkerBytes& compressed) {
  const double compute = model.compute_seconds(samples);
  const double dense = model.communication_seconds(dense_server(input_of(model)));
  return (compute + dense) / (compute + model.communication_seconds(compressed));
}

}  // namespace

double AcceleratorModel::compute_seconds(double samples) const {
  return samples * flops_per_sample / (peak_flops_per_second * utilisation);
}

double AcceleratorModel::communication_seconds(const WorkerBytes& bytes) const {
  return bytes.total() / bytes_per_second;
}

AcceleratorModel calibrated_model(double peak_flops_per_second) {
  AcceleratorModel model{.peak_flops_per_second = kCalibrationPeak, .utilisation = 1.0};
  const double dense = model.communication_seconds(dense_server(input_of(model)));
  model.utilisation = model.compute_seconds(kCalibrationSamples) / dense;
  model.peak_flops_per_second = peak_flops_per_second;
  return model;
}

AcceleratorModel physical_model(double peak_flops_per_second) {
  return {.peak_flops_per_second = peak_flops_per_second};
}

std::vector<AcceleratorRow> accelerator_table() {
  std::vector<AcceleratorRow> rows;
  for (const double peak : {100e12, 300e12}) {
    const AcceleratorModel calibrated = calibrated_model(peak);
    const AcceleratorModel physical = physical_model(peak);
    for (const double samples : {8.0, 32.0}) {
      rows.push_back({.peak_flops_per_second = peak,
                      .samples = samples,
                      .calibrated = speed_up(calibrated, samples, {}),
                      .physical = speed_up(physical, samples, scalecom_server(input_of(physical)))});
    }
  }
  return rows;
}

}  // namespace sterna::projection
