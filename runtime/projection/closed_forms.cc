#include "runtime/projection/closed_forms.h"

#include <cmath>

namespace sterna::projection {
namespace {

constexpr double kIndexBytes = 4.0;
constexpr double kScaleBytes = 4.0;

double sent_elements(const ClosedFormInput& input) {
  return input.parameters / input.rate;
}

WorkerBytes both_ways(double bytes) {
  return {.sent = bytes, .received = bytes};
}

// (n - 1) / n: of what is cut into n parts, those of the others.
double others_share(const ClosedFormInput& input) {
  return (input.workers - 1.0) / input.workers;
}

}  // namespace

WorkerBytes dense_server(const ClosedFormInput& input) {
  return both_ways(input.parameters * input.value_bytes);
}

WorkerBytes dense_ring(const ClosedFormInput& input) {
  return both_ways(2.0 * others_share(input) * input.parameters * input.value_bytes);
}

double expected_union(const ClosedFormInput& input) {
  return input.parameters * (1.0 - std::pow(1.0 - 1.0 / input.rate, input.workers));
}

WorkerBytes local_topk_server(const ClosedFormInput& input) {
  const double element_bytes = input.value_bytes + kIndexBytes;
  return {.sent = sent_elements(input) * element_bytes, .received = expected_union(input) * element_bytes};
}

WorkerBytes local_topk_gather(const ClosedFormInput& input) {
  return both_ways((input.workers - 1.0) * sent_elements(input) * (input.value_bytes + kIndexBytes));
}

WorkerBytes scalecom_server(const ClosedFormInput& input) {
  const double values = sent_elements(input) * input.value_bytes;
  const double indices = sent_elements(input) * kIndexBytes;
  return {.sent = values + indices / input.workers, .received = values + indices};
}

WorkerBytes scalecom_ring(const ClosedFormInput& input) {
  const double values = 2.0 * sent_elements(input) * input.value_bytes;
  return both_ways(others_share(input) * (values + sent_elements(input) * kIndexBytes));
}

WorkerBytes adacomp_gather(const ClosedFormInput& input, double layers, double bits_per_element) {
  const double payload = sent_elements(input) * bits_per_element / 8.0 + layers * kScaleBytes;
  return both_ways((input.workers - 1.0) * payload);
}

}  // namespace sterna::projection
