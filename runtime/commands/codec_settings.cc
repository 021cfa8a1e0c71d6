#include "runtime/commands/codec_settings.h"

#include "runtime/command_line.h"

namespace sterna::commands {

void add_codec_flags(CLI::App& app, CodecSettings& settings) {
  for_each_codec_setting(
      settings, [&](const char* key, auto& value, const char* help) { add_flag_for(app, key, value, help); });
  add_flag_for(app, "seed", settings.seed, "of methods that draw random numbers");
  add_flag_for(app, "layer", settings.layer, "what kind of layer it is: conv or fc");
}

compressors::LayerKind layer_kind(const CodecSettings& settings) {
  if (settings.layer == "conv") return compressors::LayerKind::kConvolution;
  if (settings.layer == "fc") return compressors::LayerKind::kFullyConnected;
  throw ConfigError(cat("[codec] layer = \"", settings.layer, "\": must be conv or fc"));
}

std::unique_ptr<compressors::Compressor> make_layer_compressor(const CodecSettings& settings,
                                                               std::size_t elements) {
  return compressors::make_compressor(settings.compressor,
                                      {.elements = elements, .kind = layer_kind(settings)},
                                      compressor_options(settings, settings.seed));
}

}  // namespace sterna::commands
