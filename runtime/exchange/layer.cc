#include "runtime/exchange/layer.h"

#include <algorithm>
#include <regex>

#include "compressors/settings.h"
#include "runtime/core/errors.h"
#include "runtime/exchange/layer_rates.h"

namespace sterna::exchange {
namespace {

compressors::LayerKind layer_kind(tensor::ParameterKind kind) {
  return kind == tensor::ParameterKind::kConvolution ? compressors::LayerKind::kConvolution
                                                     : compressors::LayerKind::kFullyConnected;
}

// Whether each parameter stays dense, in table order.
std::vector<bool> dense_parameters(const tensor::ParameterTable& table, const std::string& dense_layers) {
  const bool is_default = dense_layers == kDefaultDenseLayers;
  const std::regex pattern(is_default ? "" : dense_layers);
  bool is_first_convolution = true;
  std::vector<bool> is_dense;
  for (const tensor::Parameter& parameter : table) {
    if (!is_default) {
      is_dense.push_back(!dense_layers.empty() && std::regex_search(parameter.name, pattern));
      continue;
    }
    using enum tensor::ParameterKind;
    const bool is_convolution = parameter.kind == kConvolution;
    is_dense.push_back(parameter.kind == kBias || parameter.kind == kNormalisation ||
                       (is_convolution && is_first_convolution));
    if (is_convolution) is_first_convolution = false;
  }
  return is_dense;
}

// A choice of the user's must have a parameter to be for.
void require_dense_layers(const tensor::ParameterTable& table, const std::string& dense_layers,
                          const std::vector<bool>& is_dense) {
  const bool is_choice = !dense_layers.empty() && dense_layers != kDefaultDenseLayers;
  if (!is_choice || std::ranges::find(is_dense, true) != is_dense.end()) return;
  std::vector<std::string> names;
  for (const tensor::Parameter& parameter : table) names.push_back(parameter.name);
  throw ConfigError(cat("[exchange] dense-layers = \"", dense_layers,
                        "\": is found in the name of no parameter: these are ", joined(names, ", ")));
}

// The sparse sum is for methods that choose elements, and names these in 32 bits.
void require_sparse(const tensor::ParameterTable& table, const ExchangeOptions& options,
                    const compressors::Compressor& method) {
  if (!method.element_values().has_value()) {
    throw ConfigError(cat("[exchange] gather = sparse-sum with compressor = ", options.compressor,
                          ": must be all, as it has no gathered choice of elements to sum; try compressor = ",
                          joined(compressors::element_choosing_compressors(), " or ")));
  }
  for (const tensor::Parameter& parameter : table) {
    compressors::check_indexable("exchange", {.elements = parameter.elements});
  }
}

void require_leader(const ExchangeOptions& options, const compressors::Compressor& method) {
  const auto has_leader = [](const compressors::Compressor& each) {
    return each.exchange() == compressors::Exchange::kLeaderIndexed;
  };
  if (has_leader(method)) return;
  throw ConfigError(cat("[exchange] leader = first with compressor = ", options.compressor,
                        ": must be rotate, as no learner leads here; try compressor = ",
                        joined(compressors::compressors_that(has_leader), " or ")));
}

// Layers may have a rate of their own if the method has one, and a choice must have a layer to be for.
void require_rates(const LayerRates& rates, std::span<const Layer> layers,
                   const tensor::ParameterTable& table, const ExchangeOptions& options,
                   const compressors::Compressor& method) {
  if (!method.rate()) {
    const auto has_rate = [](const compressors::Compressor& each) { return each.rate().has_value(); };
    throw ConfigError(cat("[exchange] layer-rates = ", options.layer_rates, " with compressor = ",
                          options.compressor, ": must be none, as it has no rate; try compressor = ",
                          joined(compressors::compressors_that(has_rate), " or ")));
  }
  std::vector<std::string> names;
  for (const Layer& layer : layers) {
    if (layer.is_compressed) names.push_back(table[layer.parameter].name);
  }
  rates.require_use(names);
}

}  // namespace

void check_dense_layers(const std::string& dense_layers) {
  if (const std::string why = why_no_pattern(dense_layers); !why.empty()) {
    throw ConfigError(cat("[exchange] dense-layers = \"", dense_layers.substr(0, kMostPatternBytes),
                          "\": ", why, "; try 'bias|^conv1'"));
  }
}

void Layer::set_method(Method next) {
  if (!is_compressed || next == method) return;
  const bool was_configured = method == Method::kConfigured;
  if (configured->has_residue())
    has_leftover = next != Method::kConfigured && (was_configured || has_leftover);
  method = next;
}

const compressors::Compressor& Layer::active() const {
  if (!is_on || method == Method::kDense) return *dense;
  return method == Method::kFloat16 ? *float16 : *configured;
}

std::vector<Layer> plan_layers(const tensor::ParameterTable& table, const ExchangeOptions& options) {
  const std::vector<bool> is_dense = dense_parameters(table, options.dense_layers);
  require_dense_layers(table, options.dense_layers, is_dense);
  const LayerRates rates(options.layer_rates);
  std::vector<Layer> layers(table.size());
  for (std::size_t i = 0; i < table.size(); ++i) {
    const compressors::LayerShape shape{.elements = table[i].elements, .kind = layer_kind(table[i].kind)};
    const std::string name = is_dense[i] ? "none" : options.compressor;
    layers[i].parameter = i;
    compressors::Options settings = options.settings;
    settings.rate = rates.rate_of(table[i], settings.rate);
    layers[i].plan = {.name = name, .shape = shape, .settings = settings};
    layers[i].configured = compressors::make_compressor(name, shape, settings);
    layers[i].dense = compressors::make_compressor("none", shape, options.settings);
    layers[i].float16 = compressors::make_compressor("fp16", shape, options.settings);
    layers[i].is_compressed = name != "none";
    layers[i].traffic.payload_bytes.assign(options.learners, 0);
  }
  // A misspelt method is an error even if every layer happens to be dense.
  const auto method = compressors::make_compressor(options.compressor, {}, options.settings);
  if (options.gather == Gather::kSparseSum) require_sparse(table, options, *method);
  if (options.is_leader_first) require_leader(options, *method);
  if (options.layer_rates != "none") require_rates(rates, layers, table, options, *method);
  return layers;
}

std::uint32_t leader_at(std::uint64_t step, const ExchangeOptions& options) {
  return options.is_leader_first ? 0 : static_cast<std::uint32_t>(step % options.learners);
}

void select_layers(std::span<Layer* const> layers, compressors::Exchange pattern,
                   std::vector<Layer*>& selected) {
  selected.clear();
  for (Layer* layer : layers) {
    if (layer->active().exchange() == pattern) selected.push_back(layer);
  }
}

compressors::StepKey step_key(std::uint64_t step, const LocalLearners& local, std::size_t local_learner,
                              const Layer& layer) {
  return {.step = step,
          .learner = local.first + static_cast<std::uint32_t>(local_learner),
          .layer = static_cast<std::uint16_t>(layer.parameter)};
}

DivergedError not_finite(std::uint64_t step, const std::string& layer, std::uint32_t learner) {
  return DivergedError(cat("[exchange] step ", step, ", layer ", layer, ", learner ", learner,
                           ": the gradient holds NaN or infinity"));
}

collectives::OrderedSumOptions mean_options(numerics::ValueFormat format, bool is_one_each, bool in_any_order,
                                            std::function<void(std::span<float>)> finish) {
  return {.to_owner = is_one_each ? format : numerics::ValueFormat::kFloat32,
          .from_owner = format,
          .finish = std::move(finish),
          .in_any_order = in_any_order};
}

WireBytes with_the_rest(const collectives::Levels& levels, WireBytes own, std::uint64_t sent_before) {
  const std::uint64_t sent = levels.all().traffic().bytes_sent - sent_before;
  STERNA_CHECK(own.total() <= sent);
  const std::uint64_t rest = sent - own.total();
  if (!levels.are_two()) STERNA_CHECK(rest == 0u);
  (levels.is_speaker() ? own.forwarded : own.headers) += rest;
  return own;
}

WireBytes sent_of_gathered(const collectives::Levels& levels, const WireBytes& message,
                           std::uint64_t sent_before) {
  int copies = levels.all().ranks() - 1;
  if (levels.are_two()) copies = levels.is_speaker() ? levels.hosts() - 1 : 1;
  WireBytes own;
  for (int copy = 0; copy < copies; ++copy) own += message;
  return with_the_rest(levels, own, sent_before);
}

}  // namespace sterna::exchange
