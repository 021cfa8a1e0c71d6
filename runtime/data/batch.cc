#include "runtime/data/batch.h"

namespace sterna::data {

std::size_t input_elements(const SampleShape& shape) {
  std::size_t elements = 1;
  for (std::size_t extent : shape.input) elements *= extent;
  return elements;
}

Batch make_batch(const SampleShape& shape, std::size_t samples) {
  const std::size_t elements = samples * input_elements(shape);
  Batch batch;
  batch.samples = samples;
  if (shape.symbols == 0) {
    batch.inputs.assign(elements, 0.0f);
  } else {
    batch.symbols.assign(elements, 0);
  }
  batch.labels.assign(samples * shape.labels, kNoLabel);
  return batch;
}

}  // namespace sterna::data
