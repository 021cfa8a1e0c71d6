#include "runtime/weight_files.h"

#include <algorithm>
#include <string>
#include <vector>

#include "runtime/core/errors.h"
#include "runtime/core/version.h"

namespace sterna {
namespace {

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& found,
                         const std::string& legal) {
  throw ConfigError(cat("[train] init-weights = ", path.string(), ": ", found, ": ", legal,
                        "; was it written for this --model and --model-arg?"));
}

std::string shape_text(const std::vector<std::size_t>& shape) {
  return cat("[", joined(shape, ", "), "]");
}

// The first few, for a message of one line.
std::string shortened(const std::vector<std::string>& names) {
  constexpr std::size_t kMostNames = 4;
  const std::vector<std::string> shown(
      names.begin(), names.begin() + static_cast<std::ptrdiff_t>(std::min(names.size(), kMostNames)));
  const std::string more = names.size() > kMostNames ? cat(" and ", names.size() - kMostNames, " more") : "";
  return cat(joined(shown, ", "), more);
}

bool has(const tensor::ParameterTable& table, const std::string& name) {
  return std::ranges::any_of(table, [&](const tensor::Parameter& p) { return p.name == name; });
}

void check_names(const std::filesystem::path& path, const record::SafetensorsReader& file,
                 const models::Model& model) {
  std::vector<std::string> missing;
  for (const tensor::Parameter& parameter : model.parameters()) {
    if (file.find(parameter.name) == nullptr) missing.push_back(parameter.name);
  }
  if (!missing.empty()) {
    refuse(path, cat("no tensor ", shortened(missing)), "must hold every parameter of the model");
  }
  std::vector<std::string> extra;
  for (const record::SafetensorsEntry& entry : file.entries()) {
    if (has(model.parameters(), entry.name) || has(model.statistics(), entry.name)) continue;
    if (!entry.name.ends_with("num_batches_tracked")) extra.push_back(entry.name);
  }
  if (!extra.empty())
    refuse(path, cat("tensor ", shortened(extra)), "must hold nothing that the model has not");
}

// Reads those of the table's tensors that the file has.
void read_table(const std::filesystem::path& path, record::SafetensorsReader& file,
                const tensor::ParameterTable& table, std::span<float> arena) {
  for (std::size_t i = 0; i < table.size(); ++i) {
    const record::SafetensorsEntry* entry = file.find(table[i].name);
    if (entry == nullptr) continue;
    if (entry->shape != table[i].shape) {
      refuse(path, cat("tensor ", table[i].name, " of shape ", shape_text(entry->shape)),
             cat("must have the model's, ", shape_text(table[i].shape)));
    }
    file.read_float32(*entry, table.slice(arena, i));
  }
}

void add_tensors(const tensor::ParameterTable& table, std::span<const float> arena,
                 std::vector<record::SafetensorsTensor>& tensors) {
  for (std::size_t i = 0; i < table.size(); ++i) {
    tensors.push_back({.name = table[i].name, .shape = table[i].shape, .values = table.slice(arena, i)});
  }
}

}  // namespace

void read_weights(const std::filesystem::path& path, const models::Model& model, std::span<float> values,
                  std::span<float> statistics) {
  record::SafetensorsReader file(path);
  check_names(path, file, model);
  read_table(path, file, model.parameters(), values);
  read_table(path, file, model.statistics(), statistics);
}

void write_weights(record::SafetensorsWriter& writer, const models::Model& model,
                   std::span<const float> values, std::span<const float> statistics) {
  std::vector<record::SafetensorsTensor> tensors;
  add_tensors(model.parameters(), values, tensors);
  add_tensors(model.statistics(), statistics, tensors);
  writer.write(std::move(tensors), {{"format", "pt"}, {"sterna", kVersion}});
}

}  // namespace sterna
