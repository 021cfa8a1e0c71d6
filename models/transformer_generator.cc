// The decoder of transformer.cc, one position of all rows at a time. Its arithmetic is that of the model's
// layers, without backward: products through runtime/tensor/products.h, attention of one query a row over
// keys and values that are kept.
#include "models/transformer_generator.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "models/layers/layer_norm.h"
#include "models/layers/positions.h"
#include "runtime/core/aligned_vector.h"
#include "runtime/core/errors.h"
#include "runtime/tensor/attention.h"
#include "runtime/tensor/elementwise.h"
#include "runtime/tensor/fully_connected_products.h"
#include "runtime/tensor/kernels/kernels.h"

namespace sterna::models {
namespace {

constexpr float kMasked = -std::numeric_limits<float>::infinity();

// The model's parameters by name, and the values of the moment.
struct Parameters {
  const tensor::ParameterTable* table;
  std::span<const float> values{};

  [[nodiscard]] std::span<const float> operator[](const std::string& name) const {
    const auto found = std::ranges::find(*table, name, &tensor::Parameter::name);
    STERNA_CHECK((found != table->end()) == true);
    return values.subspan(found->offset, found->elements);
  }
};

// Rows [first_row, first_row + outputs) of a weight and its bias.
class Linear {
 public:
  struct Options {
    std::size_t outputs;
    std::size_t first_row = 0;
    bool has_relu = false;
  };

  Linear(const tensor::TensorForm& input, const Options& options)
      : input_(input),
        options_(options),
        inputs_(input.shape.back()),
        products_(tensor::make_fully_connected_products(
            input_, {.outputs = options.outputs, .has_relu = options.has_relu})),
        output_(tensor::elements_of(products_->output_form().shape)) {}

  float* forward(const float* input, std::span<const float> weight, std::span<const float> bias) {
    products_->forward(
        {&input_, input}, weight.subspan(options_.first_row * inputs_, options_.outputs * inputs_),
        bias.subspan(options_.first_row, options_.outputs), {&products_->output_form(), output_.data()});
    return output_.data();
  }

  std::span<const float> output() const { return output_; }

 private:
  tensor::TensorForm input_;
  Options options_;
  std::size_t inputs_;
  std::unique_ptr<tensor::Products> products_;
  AlignedVector<float> output_;
};

// What all layers of a decoder work on.
struct Decoding {
  TransformerGeneratorSizes sizes;
  GeneratorShape shape;
  tensor::TensorForm rows;    // [rows, d]
  tensor::TensorForm memory;  // [sources, source positions, d]
  Parameters parameters;
  std::vector<float> memory_mask;            // [sources, source positions]
  std::vector<float> past_mask;              // [rows, target positions]
  std::size_t position = 0;                  // of the symbol that is being appended
  AlignedVector<float> state;                // [rows, d], from layer to layer
  std::vector<float> means{}, deviations{};  // [rows], of a normalisation

  void normalise(const std::string& name) {
    tensor::kernels::fastest_kernels().normalise(
        {.input = state.data(),
         .scale = parameters[name + ".weight"].data(),
         .rows = shape.rows(),
         .features = sizes.sizes.features,
         .means = means.data(),
         .inverse_deviations = deviations.data()},
        parameters[name + ".bias"].data(), static_cast<float>(LayerNormOptions().epsilon), state.data());
  }

  // state = norm(state + change)
  void add_and_normalise(const float* change, const std::string& name) {
    tensor::add({change, state.size()}, state, state);
    normalise(name);
  }
};

class DecoderLayer {
 public:
  DecoderLayer(const Decoding& on, std::size_t number)
      : name_(cat("decoder.layers.", number)),
        d_(on.sizes.sizes.features),
        self_in_(on.rows, {.outputs = 3 * d_}),
        self_out_(on.rows, {.outputs = d_}),
        cross_query_(on.rows, {.outputs = d_}),
        cross_memory_(on.memory, {.outputs = 2 * d_, .first_row = d_}),
        cross_out_(on.rows, {.outputs = d_}),
        hidden_(on.rows, {.outputs = on.sizes.sizes.hidden, .has_relu = true}),
        output_({.shape = {on.shape.rows(), on.sizes.sizes.hidden}}, {.outputs = d_}),
        self_attention_({.samples = on.shape.rows(),
                         .heads = on.sizes.sizes.heads,
                         .queries = 1,
                         .keys = on.sizes.target_positions,
                         .features = d_ / on.sizes.sizes.heads},
                        arena_),
        cross_attention_({.samples = on.shape.sources,
                          .heads = on.sizes.sizes.heads,
                          .queries = on.shape.targets,
                          .keys = on.sizes.source_positions,
                          .features = d_ / on.sizes.sizes.heads},
                         arena_),
        past_(on.shape.rows() * on.sizes.target_positions * 2 * d_),
        past_before_(past_.size()),
        context_(on.shape.rows() * d_) {}

  void begin(const Decoding& on, const float* memory) {
    std::ranges::fill(past_, 0.0f);
    const std::string name = name_ + ".multihead_attn";
    (void)cross_memory_.forward(memory, on.parameters[name + ".in_proj_weight"],
                                on.parameters[name + ".in_proj_bias"]);
  }

  void reorder(const Decoding& on, std::span<const std::size_t> from) {
    std::swap(past_, past_before_);
    const std::size_t of_row = past_.size() / on.shape.rows();
    const std::size_t used = on.position * 2 * d_;
    std::ranges::fill(past_, 0.0f);
    for (std::size_t row = 0; row < from.size(); ++row) {
      std::copy_n(past_before_.data() + from[row] * of_row, used, past_.data() + row * of_row);
    }
  }

  void next(Decoding& on) {
    attend_to_past(on);
    attend_to_memory(on);
    const Parameters& p = on.parameters;
    const float* hidden =
        hidden_.forward(on.state.data(), p[name_ + ".linear1.weight"], p[name_ + ".linear1.bias"]);
    on.add_and_normalise(output_.forward(hidden, p[name_ + ".linear2.weight"], p[name_ + ".linear2.bias"]),
                         name_ + ".norm3");
  }

 private:
  void attend_to_past(Decoding& on) {
    const std::string name = name_ + ".self_attn";
    const Parameters& p = on.parameters;
    const float* projected =
        self_in_.forward(on.state.data(), p[name + ".in_proj_weight"], p[name + ".in_proj_bias"]);
    for (std::size_t row = 0; row < on.shape.rows(); ++row) {
      std::copy_n(projected + row * 3 * d_ + d_, 2 * d_,
                  past_.data() + (row * on.sizes.target_positions + on.position) * 2 * d_);
    }
    self_attention_.forward({.query = {projected, 3 * d_},
                             .key = {past_.data(), 2 * d_},
                             .value = {past_.data() + d_, 2 * d_},
                             .key_mask = on.past_mask},
                            {context_.data(), d_});
    on.add_and_normalise(
        self_out_.forward(context_.data(), p[name + ".out_proj.weight"], p[name + ".out_proj.bias"]),
        name_ + ".norm1");
  }

  void attend_to_memory(Decoding& on) {
    const std::string name = name_ + ".multihead_attn";
    const Parameters& p = on.parameters;
    const float* query =
        cross_query_.forward(on.state.data(), p[name + ".in_proj_weight"], p[name + ".in_proj_bias"]);
    const float* keys = cross_memory_.output().data();
    cross_attention_.forward({.query = {query, d_},
                              .key = {keys, 2 * d_},
                              .value = {keys + d_, 2 * d_},
                              .key_mask = on.memory_mask},
                             {context_.data(), d_});
    on.add_and_normalise(
        cross_out_.forward(context_.data(), p[name + ".out_proj.weight"], p[name + ".out_proj.bias"]),
        name_ + ".norm2");
  }

  std::string name_;
  std::size_t d_;
  tensor::Arena arena_;
  Linear self_in_, self_out_, cross_query_, cross_memory_, cross_out_, hidden_, output_;
  tensor::Attention self_attention_, cross_attention_;
  AlignedVector<float> past_;         // keys and values, [rows, target positions, 2 d]
  AlignedVector<float> past_before_;  // as reorder() found them
  AlignedVector<float> context_;      // what the heads found, [rows, d]
};

class TransformerGenerator final : public Generator {
 public:
  TransformerGenerator(const TransformerGeneratorSizes& sizes, const GeneratorShape& shape,
                       const tensor::ParameterTable& table, const AddLayers& add_encoder)
      : source_form_{.shape = {shape.sources, sizes.source_positions}},
        encoder_(LayerContext{.parameters = encoder_parameters_,
                              .statistics = no_statistics_,
                              .arena = arena_,
                              .input = source_form_,
                              .needs_input_gradient = false}),
        on_{.sizes = sizes,
            .shape = shape,
            .rows = {.shape = {shape.rows(), sizes.sizes.features}},
            .memory = {.shape = {shape.sources, sizes.source_positions, sizes.sizes.features}},
            .parameters = {.table = &table},
            .memory_mask = std::vector<float>(shape.sources * sizes.source_positions),
            .past_mask = std::vector<float>(shape.rows() * sizes.target_positions),
            .state = AlignedVector<float>(shape.rows() * sizes.sizes.features),
            .means = std::vector<float>(shape.rows()),
            .deviations = std::vector<float>(shape.rows())},
        head_(on_.rows, {.outputs = sizes.symbols}) {
    add_encoder(encoder_);
    STERNA_CHECK(encoder_parameters_.size() < table.size());
    for (std::size_t i = 0; i < encoder_parameters_.size(); ++i) {
      STERNA_CHECK(encoder_parameters_[i].name == table[i].name);
      STERNA_CHECK(encoder_parameters_[i].offset == table[i].offset);
    }
    for (std::size_t i = 0; i < sizes.sizes.layers; ++i) {
      layers_.push_back(std::make_unique<DecoderLayer>(on_, i));
    }
  }

  void begin(std::span<const std::int32_t> symbols, const PassArenas& arenas) override {
    STERNA_CHECK(symbols.size() == on_.memory_mask.size());
    on_.parameters.values = arenas.values;
    on_.position = 0;
    std::ranges::fill(on_.past_mask, kMasked);
    std::ranges::transform(symbols, on_.memory_mask.begin(),
                           [](std::int32_t s) { return s == 0 ? kMasked : 0.0f; });
    const Pass pass{.parameters = encoder_parameters_,
                    .statistics = no_statistics_,
                    .arenas = {.values = arenas.values.first(encoder_parameters_.arena_elements())},
                    .symbols = symbols,
                    .key = {},
                    .is_training = false};
    const tensor::ConstTensor memory = encoder_.forward({&source_form_, nullptr}, pass);
    for (const auto& layer : layers_) layer->begin(on_, memory.data);
  }

  void reorder(std::span<const std::size_t> from) override {
    STERNA_CHECK(from.size() == on_.shape.rows());
    for (const auto& layer : layers_) layer->reorder(on_, from);
  }

  std::span<const float> next(std::span<const std::int32_t> symbols) override {
    STERNA_CHECK(symbols.size() == on_.shape.rows());
    STERNA_CHECK(on_.position < on_.sizes.target_positions);
    embed(symbols);
    for (std::size_t row = 0; row < symbols.size(); ++row) {
      on_.past_mask[row * on_.sizes.target_positions + on_.position] = 0.0f;
    }
    for (const auto& layer : layers_) layer->next(on_);
    on_.normalise("decoder.norm");
    (void)head_.forward(on_.state.data(), on_.parameters["head.weight"], on_.parameters["head.bias"]);
    ++on_.position;
    return head_.output();
  }

 private:
  // As Embedding and Positions do.
  void embed(std::span<const std::int32_t> symbols) {
    const std::size_t d = on_.sizes.sizes.features;
    const auto scale = static_cast<float>(std::sqrt(static_cast<double>(d)));
    const std::span<const float> table = on_.parameters["tgt_embed.weight"];
    std::vector<float> sines(d);
    for (std::size_t i = 0; i < d; ++i) sines[i] = sine_of_position(on_.position, i, d);
    for (std::size_t row = 0; row < symbols.size(); ++row) {
      STERNA_CHECK(symbols[row] >= 0);
      STERNA_CHECK(static_cast<std::size_t>(symbols[row]) < on_.sizes.symbols);
      const float* from = table.data() + static_cast<std::size_t>(symbols[row]) * d;
      for (std::size_t i = 0; i < d; ++i) on_.state[row * d + i] = scale * from[i] + sines[i];
    }
  }

  tensor::ParameterTable encoder_parameters_;
  tensor::ParameterTable no_statistics_;
  tensor::Arena arena_;
  tensor::TensorForm source_form_;
  Sequential encoder_;
  Decoding on_;
  std::vector<std::unique_ptr<DecoderLayer>> layers_;
  Linear head_;
};

}  // namespace

std::unique_ptr<Generator> make_transformer_generator(const TransformerGeneratorSizes& sizes,
                                                      const GeneratorShape& shape,
                                                      const tensor::ParameterTable& table,
                                                      const AddLayers& add_encoder) {
  STERNA_CHECK(shape.sources > 0u);
  STERNA_CHECK(shape.targets > 0u);
  return std::make_unique<TransformerGenerator>(sizes, shape, table, add_encoder);
}

}  // namespace sterna::models
