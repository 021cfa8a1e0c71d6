#include "runtime/step_diagnosis.h"

#include "runtime/core/errors.h"
#include "runtime/diagnosis/diagnosis.h"
#include "runtime/diagnosis/sent_elements.h"
#include "runtime/run.h"

namespace sterna {

StepDiagnosis::StepDiagnosis(const Run& run) : run_(run), every_(run.config.log_diagnostics) {
  if (every_ == 0) return;
  if (run.comm.ranks() > 1) {
    throw ConfigError(cat("[train] log-diagnostics = ", every_, " on ", run.comm.ranks(),
                          " ranks: must be 0, as residues of all learners are looked at in one process; one "
                          "rank can host them all: run it without mpirun, with --learners ",
                          run.config.learners));
  }
  if (run.config.log_dir.empty()) {
    throw ConfigError(
        cat("[train] log-diagnostics = ", every_,
            " without a log directory: must be 0, or give --log-dir DIR for diagnostics.jsonl"));
  }
}

void StepDiagnosis::before_step(std::uint64_t step) {
  if (!is_due(step)) return;
  residues_.resize(run_.local.count);
  for (std::size_t learner = 0; learner < residues_.size(); ++learner) {
    const std::span<const float> residue = run_.exchange->residue(learner);
    residues_[learner].assign(residue.begin(), residue.end());
  }
}

std::vector<record::DiagnosticsRecord> StepDiagnosis::after_step(std::uint64_t step) const {
  std::vector<record::DiagnosticsRecord> records;
  if (!is_due(step)) return records;
  for (std::size_t i = 0; i < run_.model->parameters().size(); ++i) {
    if (diagnosis::chooses_elements(run_.exchange->compressor(i))) records.push_back(diagnose_layer(i, step));
  }
  return records;
}

record::DiagnosticsRecord StepDiagnosis::diagnose_layer(std::size_t parameter, std::uint64_t step) const {
  const tensor::ParameterTable& table = run_.model->parameters();
  diagnosis::LayerStep layer{.compressor = run_.exchange->compressor(parameter),
                             .key = {.step = step, .layer = static_cast<std::uint16_t>(parameter)},
                             .leader = run_.exchange->leader(step),
                             .residues = {},
                             .gradients = {},
                             .mean_sent = table.slice(std::span<const float>(run_.mean), parameter)};
  for (std::size_t learner = 0; learner < residues_.size(); ++learner) {
    layer.residues.push_back(table.slice(std::span<const float>(residues_[learner]), parameter));
    layer.gradients.push_back(table.slice(std::span<const float>(run_.gradients[learner]), parameter));
  }
  record::DiagnosticsRecord record = diagnosis::diagnose(layer);
  // What was encoded once more must be what was sent.
  STERNA_CHECK(record.elements_sent == run_.exchange->traffic(parameter).elements_sent);
  record.layer = table[parameter].name;
  record.kind = tensor::kind_name(table[parameter].kind);
  return record;
}

}  // namespace sterna
