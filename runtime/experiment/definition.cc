#include "runtime/experiment/definition.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <sstream>

#include "runtime/core/errors.h"
#include "runtime/experiment/definition_table.h"
#include "runtime/experiment/embedded.h"
#include "runtime/record/records.h"

namespace sterna::experiment {
namespace {

bool is_directory_name(const std::string& name) {
  const auto is_legal = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  return !name.empty() && std::ranges::all_of(name, is_legal);
}

// The numbers of epochs.jsonl.
std::vector<std::string> measures() {
  record::EpochRecord row;
  row.test_top5_accuracy = row.perplexity = row.test_bits_per_symbol = row.test_token_accuracy =
      row.test_bleu = 0.0;
  std::vector<std::string> names;
  record::for_each_field(row, [&](const char* name, const auto& value) {
    if constexpr (std::is_same_v<std::decay_t<decltype(value)>, double>) names.emplace_back(name);
  });
  return names;
}

std::uint64_t read_seeds(DefinitionTable& table, std::uint64_t standard) {
  const auto given = table.optional<std::int64_t>("seeds", "a whole number");
  if (!given) return standard;
  if (*given < 1 || std::cmp_greater(*given, kMostSeeds))
    table.fail(*table.find("seeds"), cat("seeds = ", *given, ": must be in [1, ", kMostSeeds, "]"));
  return static_cast<std::uint64_t>(*given);
}

void read_head(DefinitionTable& file, Definition& definition) {
  definition.title = file.text("title");
  definition.claim = file.text("claim");
  definition.source = file.text("source");
  definition.measure = file.text("measure");
  const std::vector<std::string> legal = measures();
  if (std::ranges::find(legal, definition.measure) == legal.end()) {
    file.fail(*file.find("measure"), cat("measure = \"", definition.measure,
                                         "\": must be a number of epochs.jsonl: ", joined(legal, ", ")));
  }
  definition.is_higher_better = file.required<bool>("higher-is-better", "true or false");
  definition.seeds = definition.planned_seeds = read_seeds(file, 0);
  if (definition.seeds == 0) file.fail("seeds is missing in the file: must be a whole number");
}

bool has_variant(const Definition& definition, const std::string& name) {
  return std::ranges::find(definition.variants, name, &Variant::name) != definition.variants.end();
}

void read_variant(DefinitionTable& table, const std::set<std::string>& flags, Definition& definition) {
  Variant variant{.name = table.text("name"), .flags = {}};
  std::optional<DefinitionTable> quick = table.table("quick");
  variant.flags = table.take_flags(flags);
  if (quick) {
    const Flags instead = quick->take_flags(flags);
    if (definition.is_quick) variant.flags.update(instead);
  }
  if (!is_directory_name(variant.name)) {
    table.fail(
        cat("name = \"", variant.name, "\": must be letters, digits, - and _: a directory has that name"));
  }
  if (has_variant(definition, variant.name)) {
    table.fail(cat("name = \"", variant.name, "\": another variant has that name"));
  }
  definition.variants.push_back(std::move(variant));
}

std::string read_variant_name(DefinitionTable& table, const char* key, const Definition& definition) {
  const std::string name = table.text(key);
  if (!has_variant(definition, name)) {
    table.fail(*table.find(key), cat(key, " = \"", name, "\": must be the name of a variant"));
  }
  return name;
}

void read_comparison(DefinitionTable& table, Definition& definition) {
  Comparison comparison{.variant = read_variant_name(table, "variant", definition),
                        .baseline = read_variant_name(table, "baseline", definition),
                        .expected = table.text("expected"),
                        .margin = 0.0,
                        .is_margin_relative = false};
  if (comparison.variant == comparison.baseline) table.fail("variant and baseline must not be the same");
  const std::set<std::string> legal = {"better", "equivalent", "open", "worse"};
  if (!legal.contains(comparison.expected)) {
    table.fail(*table.find("expected"),
               cat("expected = \"", comparison.expected, "\": must be one of ", joined(legal, ", ")));
  }
  const std::optional<double> absolute = table.number("margin");
  const std::optional<double> relative = table.number("relative-margin");
  if (absolute.has_value() == relative.has_value()) table.fail("must have either margin or relative-margin");
  comparison.is_margin_relative = relative.has_value();
  comparison.margin = absolute ? *absolute : *relative;
  if (!(comparison.margin > 0.0)) table.fail("margin must be more than 0");
  table.require_all_asked();
  definition.comparisons.push_back(std::move(comparison));
}

// Leaves only the variants of these names, and what is compared among them.
void keep_variants(const std::vector<std::string>& names, Definition& definition) {
  const auto is_kept = [&](const std::string& name) { return std::ranges::find(names, name) != names.end(); };
  std::erase_if(definition.variants, [&](const Variant& v) { return !is_kept(v.name); });
  std::erase_if(definition.comparisons,
                [&](const Comparison& c) { return !is_kept(c.variant) || !is_kept(c.baseline); });
}

// Is read in any case, so that a mistake in it shows at once.
void read_quick(DefinitionTable& quick, const std::set<std::string>& flags, Definition& definition) {
  const std::uint64_t seeds = read_seeds(quick, definition.seeds);
  const std::vector<std::string> variants = quick.texts("variants");
  for (const std::string& name : variants) {
    if (!has_variant(definition, name)) {
      quick.fail(*quick.find("variants"), cat("variants has \"", name, "\": must be names of variants"));
    }
  }
  const Flags instead = quick.take_flags(flags);
  if (!definition.is_quick) return;
  definition.seeds = definition.planned_seeds = seeds;
  definition.settings.update(instead);
  if (!variants.empty()) keep_variants(variants, definition);
}

toml::table parse_toml(std::string_view text, const std::string& where) {
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& error) {
    throw ConfigError(
        cat("[experiment] ", where, ", line ", error.source().begin.line, ": ", error.description()));
  }
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  if (!std::filesystem::is_regular_file(path) || !(text << file.rdbuf())) {
    throw ConfigError(cat("[experiment] ", path.string(),
                          ": cannot read it; must be a file of an experiment, see "
                          "`sterna experiment --help`"));
  }
  return text.str();
}

}  // namespace

Definition parse_definition(std::string_view text, const std::string& name, const std::string& where,
                            const std::set<std::string>& flags, bool is_quick) {
  Definition definition;
  definition.name = name;
  definition.is_quick = is_quick;
  const toml::table parsed = parse_toml(text, where);
  DefinitionTable file(parsed, "the file", where);
  read_head(file, definition);
  if (auto settings = file.table("settings")) definition.settings = settings->take_flags(flags);
  for (DefinitionTable& table : file.list_of_tables("variant")) read_variant(table, flags, definition);
  if (definition.variants.empty()) file.fail("there is no [[variant]]: must be one or more");
  for (DefinitionTable& table : file.list_of_tables("comparison")) read_comparison(table, definition);
  if (auto quick = file.table("quick")) {
    read_quick(*quick, flags, definition);
  } else if (is_quick) {
    throw ConfigError(cat("[experiment] ", where, ": has no [quick]; run it without --quick"));
  }
  file.require_all_asked();
  return definition;
}

Definition find_definition(const std::string& name_or_file, const std::set<std::string>& flags,
                           bool is_quick) {
  if (name_or_file.ends_with(".toml")) {
    const std::string name = std::filesystem::path(name_or_file).stem().string();
    if (!is_directory_name(name)) {
      throw ConfigError(cat("[experiment] ", name_or_file,
                            ": must have a name of letters, digits, - and _, as the "
                            "directory of its results"));
    }
    return parse_definition(read_file(name_or_file), name, name_or_file, flags, is_quick);
  }
  std::vector<std::string_view> names;
  for (const EmbeddedDefinition& each : embedded_definitions()) {
    if (each.name == name_or_file)
      return parse_definition(each.text, name_or_file, cat(each.name, ".toml"), flags, is_quick);
    names.push_back(each.name);
  }
  throw ConfigError(cat("[experiment] \"", name_or_file, "\": must be a file FILE.toml or one of ",
                        joined(names, ", "), "; `sterna experiment --list` explains them"));
}

}  // namespace sterna::experiment
