// What an experiment is: a TOML file with variants of one training run, and which of them are compared.
//
//   title, claim, source = TEXT        what it is about; what it should show; where the claim is made
//   measure = KEY                      of epochs.jsonl, of its last row
//   higher-is-better = BOOLEAN
//   seeds = N                          each variant is trained with the seeds 1 to N
//   [settings]                         flags of `sterna train` that all variants share, KEY = VALUE
//   [quick]                            with --quick: seeds, variants (a list of names), and flags instead of
//                                      those of [settings]
//   [[variant]]                        name, and flags of this one alone, which win over those above;
//                                      [variant.quick] has flags that win over these with --quick
//   [[comparison]]                     variant, baseline, expected (equivalent, worse, better, open), and
//                                      margin (in units of the measure) or relative-margin (of the baseline's
//                                      mean): how far from 0 a difference may be that nobody minds
#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace sterna::experiment {

inline constexpr std::uint64_t kMostSeeds = 1000;

// Flags of `sterna train` and their values: text, number, boolean or list of texts.
using Flags = nlohmann::ordered_json;

struct Variant {
  std::string name;  // also of its directory
  Flags flags;
};

struct Comparison {
  std::string variant;
  std::string baseline;
  std::string expected;
  double margin;
  bool is_margin_relative;
};

struct Definition {
  std::string name;
  std::string title;
  std::string claim;
  std::string source;
  std::string measure;
  bool is_higher_better = true;
  std::uint64_t seeds = 0;          // to be trained now
  std::uint64_t planned_seeds = 0;  // as the file has them
  Flags settings = Flags::object();
  std::vector<Variant> variants;  // one or more
  std::vector<Comparison> comparisons;
  bool is_quick = false;
};

// What the program knows of a run's flags.
struct Program {
  std::set<std::string> flags;  // of `sterna train`, without the dashes

  // Every setting of `sterna train ARGUMENTS`. Throws ConfigError if it would refuse them.
  std::function<nlohmann::ordered_json(const std::vector<std::string>& arguments)> settings_of;
};

// Throws ConfigError, with the line, for what is no TOML, for keys and flags that there are not, for what is
// missing or out of range, and for names that do not fit together.
//   where     what messages call the text: the file's name
//   flags     of `sterna train`
//   is_quick  the smaller version that [quick] describes
[[nodiscard]] Definition parse_definition(std::string_view text, const std::string& name,
                                          const std::string& where, const std::set<std::string>& flags,
                                          bool is_quick);

// Of an experiment of this build, or of a file whose name ends in .toml. Throws ConfigError as above, and if
// there is none.
[[nodiscard]] Definition find_definition(const std::string& name_or_file, const std::set<std::string>& flags,
                                         bool is_quick);

}  // namespace sterna::experiment
