#include "runtime/report/run_section.h"

#include "runtime/core/errors.h"
#include "runtime/report/cost_views.h"
#include "runtime/report/curves.h"
#include "runtime/report/diagnostic_views.h"
#include "runtime/report/layer_views.h"
#include "runtime/report/statistics.h"

namespace sterna::report {
namespace {

Table facts_of(const RunLog& run) {
  Table table{.caption = "What ran", .columns = {{"setting", false}, {"value", false}}, .rows = {}};
  for (const char* key : {"model", "data", "compressor", "batch", "optimizer", "lr", "schedule", "seed"}) {
    if (const std::string value = run.setting(key); !value.empty()) table.rows.push_back({key, value});
  }
  table.rows.push_back({"learners on ranks", cat(run.learners, " on ", run.ranks)});
  table.rows.push_back({"steps done", cat(run.steps.rows())});
  return table;
}

// The last evaluation, with all that it measured.
Table results_of(const RunLog& run) {
  constexpr int kDigits = 4;
  Table table{.caption = "The last evaluation", .columns = {{"measure", false}, {"value"}}, .rows = {}};
  for (const std::string& name : run.epochs.names()) {
    if (name == "wire_bytes_sent" || name == "epoch_seconds") continue;
    const bool is_count = name == "epoch" || name == "step";
    const double value = run.epochs.last(name);
    table.rows.push_back({name, is_count ? grouped_text(value) : digits_text(value, kDigits)});
  }
  return table;
}

}  // namespace

Section run_section(const RunLog& run, const std::string& title, std::size_t most_points) {
  Section section{.title = title, .blocks = {}};
  for (const std::string& note : run.notes) section.blocks.push_back(Paragraph{note});
  section.blocks.emplace_back(facts_of(run));
  if (run.epochs.rows() > 0) section.blocks.emplace_back(results_of(run));
  add_training_curves(run, most_points, section.blocks);
  if (run.steps.rows() > 0) add_cost_views({cost_of(title, run.steps)}, section.blocks);
  add_layer_views(run, most_points, section.blocks);
  add_diagnostic_views(run, most_points, section.blocks);
  return section;
}

}  // namespace sterna::report
