// --init-weights and --save-weights: a model's parameters and statistics as Safetensors files, under the
// names of PyTorch's state_dict.
#pragma once

#include <filesystem>
#include <span>

#include "models/model.h"
#include "runtime/record/safetensors.h"

namespace sterna {

// Reads a model's parameters, and those statistics that the file has; others stay as they are.
//   values      an arena of model.parameters()
//   statistics  an arena of model.statistics()
// Throws ConfigError if the file cannot be read, lacks a parameter, has one in another shape, or has a tensor
// that the model does not (other than PyTorch's num_batches_tracked, which counts what momentum replaces).
void read_weights(const std::filesystem::path& path, const models::Model& model, std::span<float> values,
                  std::span<float> statistics);

// Writes what read_weights() reads, with the metadata that PyTorch's users look for, and the program's
// version. Throws ConfigError where the file system refuses.
void write_weights(record::SafetensorsWriter& writer, const models::Model& model,
                   std::span<const float> values, std::span<const float> statistics);

}  // namespace sterna
