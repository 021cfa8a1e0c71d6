// The public settings and parameters as the exchange takes them. Internal to the library.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/exchange/exchange.h"
#include "runtime/tensor/parameter_table.h"
#include "sterna/exchange.h"

namespace sterna {

// Throws ConfigError if a name is empty or taken, a parameter has no elements, or there are too many or no
// parameters, or too many elements.
[[nodiscard]] tensor::ParameterTable table_of(std::span<const Parameter> parameters);

// Learners resolved. Throws ConfigError for what GradientExchange does not look at itself.
[[nodiscard]] exchange::ExchangeOptions options_of(const ExchangeSettings& settings, int ranks);

// What ranks must agree on, an entry for each thing: version, settings, parameters.
//   where  gradients lie
[[nodiscard]] std::vector<std::string> describe(const exchange::ExchangeOptions& options,
                                                const tensor::ParameterTable& table, std::string_view where);

}  // namespace sterna
