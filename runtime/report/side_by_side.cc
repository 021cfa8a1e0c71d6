#include "runtime/report/side_by_side.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "runtime/core/errors.h"
#include "runtime/core/number_text.h"
#include "runtime/report/comparison_views.h"
#include "runtime/report/diagnostic_comparison.h"
#include "runtime/report/statistics.h"
#include "runtime/report/verdict.h"

namespace sterna::report {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

using Settings = std::vector<std::pair<std::string, std::string>>;

// Settings that do not change what is learned, or how fast.
const std::set<std::string> kAside = {"auto-choices",     "csv",          "data-dir",  "log-diagnostics",
                                      "log-dir",          "log-layers",   "overwrite", "progress",
                                      "record-gradients", "save-weights", "timeline",  "vocabulary"};

// Runs of equal settings but for the seed.
struct Group {
  std::vector<std::string> names;
  RunList runs;
  Settings settings;
};

// Runs of one model on one data set.
struct Task {
  std::string model;
  std::string data;
  std::vector<Group> groups;
};

Settings settings_that_count(const RunLog& run) {
  Settings settings;
  for (const auto& [key, value] : run.settings) {
    if (key != "seed" && !kAside.contains(key)) settings.emplace_back(key, value);
  }
  return settings;
}

std::vector<Task> tasks_of(const std::vector<NamedRun>& runs) {
  std::vector<Task> tasks;
  for (const NamedRun& run : runs) {
    const std::string arguments = run.log.setting("model-arg");
    const std::string model =
        cat(run.log.setting("model"), arguments.empty() ? "" : cat(" (", arguments, ")"));
    const std::string data = run.log.setting("data");
    auto task =
        std::ranges::find_if(tasks, [&](const Task& t) { return t.model == model && t.data == data; });
    if (task == tasks.end()) task = tasks.insert(tasks.end(), {.model = model, .data = data, .groups = {}});
    Settings settings = settings_that_count(run.log);
    auto group = std::ranges::find(task->groups, settings, &Group::settings);
    if (group == task->groups.end())
      group = task->groups.insert(group, {.names = {}, .runs = {}, .settings = std::move(settings)});
    group->names.push_back(run.name);
    group->runs.push_back(run.log);
  }
  return tasks;
}

std::string name_of(const Group& group) {
  const std::size_t others = group.names.size() - 1;
  if (others == 0) return group.names.front();
  return cat(group.names.front(), " and ", others, others == 1 ? " other" : " others");
}

// "compressor topk, rate 10": what is not as in more than half of the groups of its task.
std::string differences_of(const Group& group, const Task& task) {
  std::vector<std::string> parts;
  for (const auto& setting : group.settings) {
    const auto alike = std::ranges::count_if(task.groups, [&](const Group& other) {
      return std::ranges::find(other.settings, setting) != other.settings.end();
    });
    const bool is_usual = 2 * static_cast<std::size_t>(alike) > task.groups.size();
    if (!is_usual) parts.push_back(cat(setting.first, " ", setting.second));
  }
  return parts.empty() ? "none" : joined(parts, ", ");
}

// BLEU where sentences are translated, else accuracy.
std::string measure_of(const Task& task) {
  const bool has_bleu = std::ranges::any_of(task.groups, [](const Group& group) {
    return std::ranges::any_of(group.runs, [](const RunLog& run) { return run.epochs.has("test_bleu"); });
  });
  return has_bleu ? "test_bleu" : "test_accuracy";
}

double mean_of(const std::vector<double>& values) {
  double sum = 0.0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());  // NaN of none
}

// Over the runs of a group: the measure of the last evaluation, and means over steps.
struct Outcomes {
  std::vector<double> values;
  double payload_bytes;
  double dense_bytes;
};

Outcomes outcomes_of(const Group& group, const std::string& measure) {
  std::vector<double> values, payloads, denses;
  for (const RunLog& run : group.runs) {
    values.push_back(run.epochs.last(measure));
    payloads.push_back(mean_of(run.steps.at("payload_bytes")));
    denses.push_back(mean_of(run.steps.at("dense_bytes")));
  }
  return {.values = std::move(values), .payload_bytes = mean_of(payloads), .dense_bytes = mean_of(denses)};
}

std::string range_text(const std::vector<double>& values) {
  constexpr int kDigits = 4;
  if (values.size() < 2) return "";
  const auto [low, high] = std::ranges::minmax(values);
  return cat(digits_text(low, kDigits), " to ", digits_text(high, kDigits));
}

void add_table_and_front(const Task& task, const std::string& measure, std::vector<Block>& blocks) {
  Table table{.caption = cat("The last ", measure_text(measure), "; bytes are means over all steps"),
              .columns = {{"run", false},
                          {measure_text(measure)},
                          {"smallest to largest"},
                          {"rate"},
                          {"payload bytes a step"},
                          {"settings unlike most", false}},
              .rows = {}};
  std::vector<FrontMark> marks;
  for (const Group& group : task.groups) {
    const Outcomes out = outcomes_of(group, measure);
    const double value = mean_of(out.values);
    const auto [low, high] = std::ranges::minmax(out.values);
    table.rows.push_back({name_of(group), digits_text(value, 4), range_text(out.values),
                          digits_text(out.dense_bytes / out.payload_bytes, 3),
                          grouped_text(out.payload_bytes), differences_of(group, task)});
    const bool has_range = out.values.size() > 1;
    marks.push_back({.name = name_of(group),
                     .payload_bytes = out.payload_bytes,
                     .value = value,
                     .low = has_range ? low : kNan,
                     .high = has_range ? high : kNan,
                     .has_diverged = false});
  }
  blocks.emplace_back(std::move(table));
  add_front(measure, /*is_higher_better=*/true, marks,
            "Of runs that differ in seed alone, means with the smallest and the largest.", blocks);
}

Section section_of(const Task& task) {
  Section section{.title = cat(task.model, " on ", task.data, ", side by side"), .blocks = {}};
  section.blocks.push_back(Paragraph{
      "These runs were not planned to be compared, so that there are no verdicts here: sterna experiment has "
      "those."});
  const std::string measure = measure_of(task);
  add_table_and_front(task, measure, section.blocks);
  std::vector<VariantRuns> variants;
  for (const Group& group : task.groups) variants.push_back({name_of(group), group.runs});
  add_loss_curves(variants, section.blocks);
  add_measure_curves(measure, variants, section.blocks);
  add_step_costs(variants, section.blocks);
  add_diagnostic_comparison(variants, section.blocks);
  return section;
}

}  // namespace

std::vector<Section> side_by_side(const std::vector<NamedRun>& runs) {
  std::vector<Section> sections;
  for (const Task& task : tasks_of(runs)) {
    if (task.groups.size() > 1) sections.push_back(section_of(task));
  }
  return sections;
}

}  // namespace sterna::report
