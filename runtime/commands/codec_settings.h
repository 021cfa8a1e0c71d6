// The flags of commands that run one compressor over one layer.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "compressors/compressor.h"
#include "runtime/config.h"

namespace sterna::commands {

struct CodecSettings {
  std::string compressor = "adacomp";
  double rate = 100.0;
  std::size_t bin_conv = 50;
  std::size_t bin_fc = 500;
  std::string selection = "chunk";
  double beta = 1.0;
  double threshold = 0.03;
  std::uint64_t seed = 1;
  std::string layer = "fc";
};

void add_codec_flags(CLI::App& app, CodecSettings& settings);

// Throws ConfigError if `layer` is neither conv nor fc.
[[nodiscard]] compressors::LayerKind layer_kind(const CodecSettings& settings);

// The compressor of one layer. Throws ConfigError.
[[nodiscard]] std::unique_ptr<compressors::Compressor> make_layer_compressor(const CodecSettings& settings,
                                                                             std::size_t elements);

}  // namespace sterna::commands
