#include "runtime/exchange/layer_rates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/core/errors.h"
#include "tests/exchange/run_exchange.h"

namespace sterna::exchange {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

double rate(const std::string& layer_rates, const std::string& name, double multiplications = 1.0) {
  return LayerRates(layer_rates)
      .rate_of({.name = name,
                .shape = {1},
                .kind = tensor::ParameterKind::kFullyConnected,
                .multiplications_per_element = multiplications},
               /*otherwise=*/100.0);
}

TEST(LayerRates, FollowTheGuidanceAtItsBorders) {
  for (const auto& [multiplications, expected] :
       {std::pair{0.0, 400.0}, {1.0, 400.0}, {127.0, 400.0}, {128.0, 50.0}, {196.0, 50.0}, {197.0, 25.0}}) {
    EXPECT_EQ(rate("flops", "fc", multiplications), expected) << multiplications;
  }
}

TEST(LayerRates, AreTheCompressorsWhereNothingIsSaid) {
  EXPECT_EQ(rate("none", "conv2.weight", 200.0), 100.0);
  EXPECT_EQ(rate("conv=50", "fc1.weight", 200.0), 100.0);
}

TEST(LayerRates, AreThoseOfTheFirstChoiceThatIsFound) {
  const std::string choices = "^conv[12]=50,conv=65536,(?=fc)fc\\d=1.5";
  EXPECT_EQ(rate(choices, "conv2.weight"), 50.0);
  EXPECT_EQ(rate(choices, "conv3.weight"), 65536.0);
  EXPECT_EQ(rate(choices, "fc1.weight"), 1.5);
}

TEST(LayerRates, RefuseWhatIsNoChoice) {
  for (const std::string text : {"", "flop", "=50", "conv", "conv=50,", "conv=50,,fc=4", "conv=", "conv=x",
                                 "conv=5x", "conv=0.5", "conv=65537", "conv=nan", "((=5"}) {
    EXPECT_THAT([&] { LayerRates rates(text); },
                ThrowsMessage<ConfigError>(AllOf(HasSubstr(cat("[exchange] layer-rates = \"", text, "\": ")),
                                                 HasSubstr("must be none, flops, or REGEX=R,..."))))
        << text;
  }
}

// small_network() has 288 elements in conv2.weight and 1010 in fc.weight; a bias and the first convolution
// stay dense.
TEST(LayerRates, AreWhatEachLayerSends) {
  for (const std::string_view compressor : {"topk", "randomk", "scalecom"}) {
    ExchangeOptions options = options_for(compressor, 1);
    options.layer_rates = "conv=4,fc=101";
    const Outcome outcome = run_with(options, 1, 1, 1u << 20, /*scale=*/1.0f);
    const tensor::ParameterTable table = small_network();
    const auto sent = [&](std::size_t parameter) {
      const auto mean = table.slice(std::span<const float>(outcome.means.front()), parameter);
      return static_cast<std::ptrdiff_t>(mean.size()) - std::ranges::count(mean, 0.0f);
    };
    EXPECT_EQ(sent(1), 288 / 4) << compressor;
    EXPECT_EQ(sent(2), 1010 / 101) << compressor;
  }
}

TEST(LayerRates, AreTheExchangesToTell) {
  const tensor::ParameterTable table = small_network();
  const std::unique_ptr<collectives::Communicator> comm = collectives::make_single();
  ExchangeOptions options = options_for("scalecom", 1);
  options.layer_rates = "fc=20.4";
  const GradientExchange exchange(*comm, table, options);
  std::vector<double> rates;
  for (std::size_t i = 0; i < table.size(); ++i) rates.push_back(exchange.rate(i).value_or(0.0));
  EXPECT_THAT(rates, ElementsAre(0.0, 10.0, 20.0, 0.0));  // 10 is options_for()'s, chunks have whole elements
}

TEST(LayerRates, ChangeNoBitWithTheNumberOfRanks) {
  for (const std::string& way : ways_to_travel()) {
    ExchangeOptions options = options_for(way, 4);
    const auto method = compressors::make_compressor(options.compressor, {}, options.settings);
    if (!method->rate()) continue;
    options.layer_rates = "conv=7,fc=33";
    const Outcome alone = run_with(options, 1, 3, 1u << 20, 1.0f);
    for (const int ranks : {2, 4}) {
      EXPECT_EQ(run_with(options, ranks, 3, 1u << 20, 1.0f).means, alone.means) << way << ", " << ranks;
    }
  }
}

std::string refusal_of(const ExchangeOptions& options) {
  const tensor::ParameterTable table = small_network();
  const std::unique_ptr<collectives::Communicator> comm = collectives::make_single();
  try {
    const GradientExchange exchange(*comm, table, options);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(LayerRates, AreForCompressorsThatHaveOne) {
  for (const std::string_view compressor : {"adacomp", "fp16", "ls", "none", "strom"}) {
    ExchangeOptions options = options_for(compressor, 1);
    options.layer_rates = "flops";
    EXPECT_EQ(
        refusal_of(options),
        cat("[exchange] layer-rates = flops with compressor = ", compressor,
            ": must be none, as it has no rate; try compressor = dryden or randomk or scalecom or topk"));
  }
}

TEST(LayerRates, NameAChoiceThatIsForNoLayer) {
  ExchangeOptions options = options_for("topk", 1);
  options.layer_rates = "fc=20,bias=5";
  EXPECT_EQ(refusal_of(options),
            "[exchange] layer-rates: \"bias\" is found in the name of no compressed layer: these are "
            "conv2.weight, fc.weight");
}

}  // namespace
}  // namespace sterna::exchange
