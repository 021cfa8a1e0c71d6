#include "library/settings.h"

#include <iomanip>
#include <limits>
#include <set>
#include <sstream>

#include "runtime/core/errors.h"
#include "runtime/core/version.h"

namespace sterna {
namespace {

constexpr std::uint32_t kMostLearners = 65536;
// 1 PiB of gradient: lengths in bytes stay within 64 bits.
constexpr std::size_t kMostElements = std::size_t{1} << 48;
constexpr std::size_t kMostParameters = std::numeric_limits<std::uint16_t>::max();  // StepKey::layer

tensor::ParameterKind kind_of(const Parameter& parameter) {
  switch (parameter.kind) {
    case ParameterKind::kConvolution:
      return tensor::ParameterKind::kConvolution;
    case ParameterKind::kFullyConnected:
      return tensor::ParameterKind::kFullyConnected;
    case ParameterKind::kRecurrent:
      return tensor::ParameterKind::kRecurrent;
    case ParameterKind::kEmbedding:
      return tensor::ParameterKind::kEmbedding;
    case ParameterKind::kBias:
      return tensor::ParameterKind::kBias;
    case ParameterKind::kNormalisation:
      return tensor::ParameterKind::kNormalisation;
  }
  throw ConfigError(cat("[exchange] kind of ", parameter.name, " = ", static_cast<int>(parameter.kind),
                        ": must be a value of ParameterKind"));
}

exchange::Hierarchy hierarchy_of(Hierarchy hierarchy) {
  switch (hierarchy) {
    case Hierarchy::kAuto:
      return exchange::Hierarchy::kAuto;
    case Hierarchy::kFlat:
      return exchange::Hierarchy::kFlat;
    case Hierarchy::kHost:
      return exchange::Hierarchy::kHost;
  }
  throw ConfigError(
      cat("[exchange] hierarchy = ", static_cast<int>(hierarchy), ": must be a value of Hierarchy"));
}

// With as many digits as tell any two values apart.
std::string exactly(double value) {
  std::ostringstream text;
  text << std::setprecision(std::numeric_limits<double>::max_digits10) << value;
  return text.str();
}

}  // namespace

tensor::ParameterTable table_of(std::span<const Parameter> parameters) {
  if (parameters.empty() || parameters.size() > kMostParameters) {
    throw ConfigError(
        cat("[exchange] parameters = ", parameters.size(), ": must be in [1, ", kMostParameters, "]"));
  }
  tensor::ParameterTable table;
  std::set<std::string> names;
  for (const Parameter& parameter : parameters) {
    if (parameter.name.empty() || !names.insert(parameter.name).second) {
      throw ConfigError(cat("[exchange] name of parameter ", table.size(), " = \"", parameter.name,
                            "\": must not be empty, nor an earlier parameter's"));
    }
    if (parameter.elements == 0) {
      throw ConfigError(cat("[exchange] elements of ", parameter.name, " = 0: must be 1 or more"));
    }
    if (parameter.elements > kMostElements - table.elements()) {
      throw ConfigError(cat("[exchange] elements of ", parameter.name, " = ", parameter.elements,
                            ": must be at most ", kMostElements - table.elements(), ", so that all have ",
                            kMostElements, " at most; is it the product of the parameter's shape?"));
    }
    table.add({.name = parameter.name, .shape = {parameter.elements}, .kind = kind_of(parameter)});
  }
  return table;
}

exchange::ExchangeOptions options_of(const ExchangeSettings& settings, int ranks) {
  if (settings.learners > kMostLearners) {
    throw ConfigError(cat("[exchange] learners = ", settings.learners, ": must be in [1, ", kMostLearners,
                          "], or 0 for as many as ranks"));
  }
  exchange::ExchangeOptions options;
  options.compressor = settings.compressor;
  options.settings = {.rate = settings.rate,
                      .bin_conv = settings.bin_conv,
                      .bin_fc = settings.bin_fc,
                      .selection = settings.selection == Selection::kExact ? compressors::Selection::kExact
                                                                           : compressors::Selection::kChunk,
                      .beta = static_cast<float>(settings.beta),
                      .threshold = static_cast<float>(settings.threshold),
                      .seed = settings.seed};
  if (settings.dense_layers) {
    options.dense_layers = *settings.dense_layers;
    exchange::check_dense_layers(options.dense_layers);
  }
  options.learners = settings.learners > 0 ? settings.learners : static_cast<std::uint32_t>(ranks);
  options.sum_in_any_order = settings.sum_order == SumOrder::kAny;
  options.hierarchy = hierarchy_of(settings.hierarchy);
  options.gather =
      settings.gather == Gather::kSparseSum ? exchange::Gather::kSparseSum : exchange::Gather::kAll;
  return options;
}

std::vector<std::string> describe(const exchange::ExchangeOptions& options,
                                  const tensor::ParameterTable& table, std::string_view where) {
  const compressors::Options& settings = options.settings;
  std::vector<std::string> entries = {
      cat("version = ", kVersion, " (", kBuild, ")"),
      cat("gradients = ", where),
      cat("compressor = ", options.compressor),
      cat("rate = ", exactly(settings.rate)),
      cat("bin_conv = ", settings.bin_conv),
      cat("bin_fc = ", settings.bin_fc),
      cat("selection = ", settings.selection == compressors::Selection::kExact ? "exact" : "chunk"),
      cat("beta = ", exactly(static_cast<double>(settings.beta))),
      cat("threshold = ", exactly(static_cast<double>(settings.threshold))),
      cat("gather = ", options.gather == exchange::Gather::kSparseSum ? "sparse-sum" : "all"),
      cat("sum_order = ", options.sum_in_any_order ? "any" : "tree"),
      cat("hierarchy = ", static_cast<int>(options.hierarchy)),
      cat("dense_layers = ", options.dense_layers),
      cat("learners = ", options.learners),
      cat("seed = ", settings.seed),
      cat("parameters = ", table.size())};
  for (const tensor::Parameter& parameter : table) {
    entries.push_back(cat("parameter ", parameter.name, " = ", parameter.elements, " elements, ",
                          tensor::kind_name(parameter.kind)));
  }
  return entries;
}

}  // namespace sterna
