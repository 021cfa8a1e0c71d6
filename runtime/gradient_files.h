// --record-gradients: every layer's gradients as NPY files, as `sterna replay` reads them.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "runtime/collectives/communicator.h"
#include "runtime/core/aligned_vector.h"
#include "runtime/record/npy.h"
#include "runtime/tensor/parameter_table.h"

namespace sterna {

// Files DIR/<parameter>.npy, float32 [steps, learners, n], on rank 0. They appear when finish() is called.
class GradientFiles {
 public:
  // Throws ConfigError, on rank 0, if the directory or its files cannot be made, or if one of the files is
  // there and they are not to be replaced.
  GradientFiles(const std::filesystem::path& directory, bool overwrite, const tensor::ParameterTable& table,
                std::uint32_t learners, collectives::Communicator& comm);

  // Appends one step: gradients of this rank's learners, an arena each. Collective: rank 0 receives all.
  void append(std::span<const AlignedVector<float>> gradients);

  void finish();

 private:
  const tensor::ParameterTable& table_;
  collectives::Communicator& comm_;
  std::vector<std::unique_ptr<record::NpyWriter>> writers_;  // rank 0: one a parameter; else none
  std::vector<float> received_;
};

}  // namespace sterna
