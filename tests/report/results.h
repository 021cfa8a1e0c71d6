// A result.json with one comparison, made by hand.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace sterna::report {

inline nlohmann::json variant_json(const std::string& name, double mean, double bytes) {
  nlohmann::json runs = nlohmann::json::array();
  for (int seed = 1; seed <= 2; ++seed) {
    runs.push_back({{"seed", seed},
                    {"directory", name + "/seed-" + std::to_string(seed)},
                    {"status", "done"},
                    {"value", mean},
                    {"steps", 3},
                    {"payload_bytes", bytes},
                    {"compression_rate", 1000.0 / bytes},
                    {"wire_bytes_sent", 300},
                    {"seconds", 2.0 + seed}});
  }
  return {{"name", name},           {"settings", {{"compressor", name}}},
          {"runs", runs},           {"mean", mean},
          {"low", mean - 0.0007},   {"high", mean + 0.0007},
          {"payload_bytes", bytes}, {"compression_rate", 1000.0 / bytes}};
}

inline nlohmann::json result_json() {
  return {{"experiment", "small"},
          {"title", "A small experiment"},
          {"claim", "topk loses nothing"},
          {"source", "a paper, table 2"},
          {"size", "quick"},
          {"measure", "test_accuracy"},
          {"higher_is_better", true},
          {"settings", {{"model", "small"}, {"batch", 32}}},
          {"machine", {{"processor", "made by hand"}, {"cores", 2}}},
          {"seconds", 14.0},
          {"variants", {variant_json("none", 0.9908, 1000), variant_json("topk", 0.9905, 10)}},
          {"comparisons",
           {{{"variant", "topk"},
             {"baseline", "none"},
             {"expected", "equivalent"},
             {"margin", 0.005},
             {"is_margin_relative", false},
             {"pairs", 2},
             {"difference", -0.0003},
             {"low", -0.0010},
             {"high", 0.0004},
             {"verdict", "equivalent"},
             {"holds", true}}}}};
}

}  // namespace sterna::report
