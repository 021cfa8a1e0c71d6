// Logs as `sterna train` and `sterna experiment` write them, made by hand.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <variant>
#include <vector>

#include "runtime/report/document.h"
#include "tests/support/scratch_directory.h"

namespace sterna::report {

inline nlohmann::json run_description(const std::string& compressor) {
  return {{"settings",
           {{"model", "small"},
            {"data", "synthetic"},
            {"compressor", compressor},
            {"bin-conv", 50},
            {"bin-fc", 500},
            {"model-arg", {"width=2", "depth=3"}},
            {"lr", 0.25}}},
          {"learners", 4},
          {"ranks", 2},
          {"parameters",
           {{{"name", "conv.weight"}, {"kind", "convolution"}, {"elements", 120}, {"compressed", true}},
            {{"name", "conv.bias"}, {"kind", "bias"}, {"elements", 10}, {"compressed", false}}}}};
}

inline nlohmann::json step_row(int step, double loss) {
  return {{"step", step},
          {"loss", loss},
          {"accuracy", 0.5},
          {"step_seconds", 0.010},
          {"compute_seconds", 0.006},
          {"compress_seconds", 0.002},
          {"exchange_seconds", 0.002},
          {"exposed_seconds", 0.001},
          {"wire_bytes_sent", 130},
          {"value_bytes", 40},
          {"index_bytes", 60},
          {"header_bytes", 20},
          {"padding_bytes", 4},
          {"forwarded_bytes", 0},
          {"control_bytes", 6},
          {"payload_bytes", 104},
          {"compression_rate", 5.0},
          {"elements_sent", 22}};
}

inline void write_run(const test::ScratchDirectory& directory, const std::string& name,
                      const std::string& compressor, const std::vector<double>& losses) {
  std::filesystem::create_directories(directory.path() / name);
  directory.write(name + "/run.json", run_description(compressor).dump(2));
  std::string steps;
  for (std::size_t i = 0; i < losses.size(); ++i)
    steps += step_row(static_cast<int>(i), losses[i]).dump() + "\n";
  directory.write(name + "/steps.jsonl", steps);
  const nlohmann::json epoch = {
      {"epoch", 1}, {"step", losses.size()}, {"test_loss", 0.5}, {"test_accuracy", 0.875}};
  directory.write(name + "/epochs.jsonl", epoch.dump() + "\n");
}

// All blocks of one kind, those of inner sections too.
template <typename Kind>
std::vector<Kind> all_of(const std::vector<Block>& blocks) {
  std::vector<Kind> found;
  for (const Block& block : blocks) {
    if (const Kind* kind = std::get_if<Kind>(&block)) found.push_back(*kind);
  }
  return found;
}

// The SVG text of the figure with this title; "" if there is none.
inline std::string figure_titled(const Section& section, const std::string& title) {
  for (const Figure& figure : all_of<Figure>(section.blocks)) {
    if (figure.svg.find("aria-label=\"" + title + "\"") != std::string::npos) return figure.svg;
  }
  return "";
}

}  // namespace sterna::report
