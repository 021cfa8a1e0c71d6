// --log-diagnostics: looks at what learners hold before a step, and at what became of it after. Steps that
// are not diagnosed cost nothing, and no step's bits change: residues are copied, gradients are read.
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/core/aligned_vector.h"
#include "runtime/record/records.h"

namespace sterna {

struct Run;

class StepDiagnosis {
 public:
  // Throws ConfigError if diagnostics are wanted of a run that cannot have them: all learners must be in one
  // process, and there must be a log directory.
  explicit StepDiagnosis(const Run& run);

  // Before train_step(), when residues are as the step finds them.
  void before_step(std::uint64_t step);

  // After it, before residues or compressors change: a line for each layer of which some elements were sent
  // and others held back; none where the step is not one of every N.
  [[nodiscard]] std::vector<record::DiagnosticsRecord> after_step(std::uint64_t step) const;

 private:
  [[nodiscard]] bool is_due(std::uint64_t step) const { return every_ > 0 && step % every_ == 0; }
  [[nodiscard]] record::DiagnosticsRecord diagnose_layer(std::size_t parameter, std::uint64_t step) const;

  const Run& run_;
  std::uint64_t every_;                         // steps; 0: none
  std::vector<AlignedVector<float>> residues_;  // by learner, before the diagnosed step
};

}  // namespace sterna
