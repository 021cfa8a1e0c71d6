#include "runtime/tensor/onednn/convolution_products.h"

#include <optional>

#include "runtime/core/errors.h"
#include "runtime/tensor/onednn/primitive.h"
#include "runtime/tensor/onednn/unfolded_rows.h"

namespace sterna::tensor {
namespace {

using dnnl::memory;
using onednn::Argument;
using onednn::Call;
using onednn::UnfoldedRows;
using onednn::Workspace;

constexpr auto kDirect = dnnl::algorithm::convolution_direct;

// What every description below is made of.
struct Extents {
  Extents(const TensorForm& input, const ConvolutionShape& shape)
      : input_shape(input.shape),
        weights_shape(shape_of_weights(input.shape[1], shape)),
        output_shape{input.shape[0], shape.outputs, swept(input.shape[2], shape),
                     swept(input.shape[3], shape)},
        strides(2, static_cast<memory::dim>(shape.stride)),
        padding(2, static_cast<memory::dim>(shape.padding)),
        bias(shape.has_bias ? onednn::plain_layout({shape.outputs}) : memory::desc()) {}

  // oneDNN gives the groups an axis of their own; elements lie as without it.
  static Shape shape_of_weights(std::size_t inputs, const ConvolutionShape& shape) {
    STERNA_CHECK(inputs % shape.groups == 0u);
    STERNA_CHECK(shape.outputs % shape.groups == 0u);
    if (shape.groups == 1) return {shape.outputs, inputs, shape.kernel, shape.kernel};
    return {shape.groups, shape.outputs / shape.groups, inputs / shape.groups, shape.kernel, shape.kernel};
  }

  static std::size_t swept(std::size_t extent, const ConvolutionShape& shape) {
    STERNA_CHECK((extent + 2 * shape.padding) >= shape.kernel);
    return (extent + 2 * shape.padding - shape.kernel) / shape.stride + 1;
  }

  Shape input_shape;
  Shape weights_shape;
  Shape output_shape;
  memory::dims strides;
  memory::dims padding;
  memory::desc bias;
};

// How the tensors lie that our caller hands over.
struct CallersLayouts {
  memory::desc input;
  memory::desc weights;
  memory::desc output;
};

dnnl::convolution_forward::primitive_desc describe_forward(const Extents& x, bool has_relu) {
  dnnl::primitive_attr attributes = onednn::with_our_scratchpad();
  if (has_relu) {
    dnnl::post_ops after;
    after.append_eltwise(1.0f, dnnl::algorithm::eltwise_relu, 0.0f, 0.0f);
    attributes.set_post_ops(after);
  }
  return {{dnnl::prop_kind::forward_training, kDirect, onednn::any_layout(x.input_shape),
           onednn::any_layout(x.weights_shape), x.bias, onednn::any_layout(x.output_shape), x.strides,
           x.padding, x.padding},
          attributes,
          onednn::cpu_engine()};
}

class Forward {
 public:
  Forward(const Extents& x, const dnnl::convolution_forward::primitive_desc& description,
          const CallersLayouts& callers, Arena& arena)
      : workspace_(arena),
        input_(callers.input, description.src_desc(), workspace_),
        weights_(callers.weights, description.weights_desc(), workspace_),
        bias_(x.bias, x.bias, workspace_),
        output_(callers.output, description.dst_desc(), workspace_),
        call_(description,
              {{DNNL_ARG_SRC, input_.memory()},
               {DNNL_ARG_WEIGHTS, weights_.memory()},
               {DNNL_ARG_BIAS, bias_.memory()},
               {DNNL_ARG_DST, output_.memory()}},
              workspace_) {}

  void run(dnnl::stream& stream, ConstTensor input, std::span<const float> weights,
           std::span<const float> bias, Tensor output) {
    input_.bind(input.data);
    weights_.bind(weights.data());
    bias_.bind(bias.data());
    output_.bind(output.data);
    input_.load(stream);
    weights_.load(stream);
    call_.run(stream);
    output_.store(stream);
  }

 private:
  Workspace workspace_;
  Argument input_, weights_, bias_, output_;
  Call call_;
};

class WeightGradient {
 public:
  using Description = dnnl::convolution_backward_weights::primitive_desc;

  WeightGradient(const Extents& x, const CallersLayouts& callers, Arena& arena)
      : WeightGradient(x, describe(x), callers, arena) {}

  void run(dnnl::stream& stream, ConstTensor input, ConstTensor output_gradient, std::span<float> weights,
           std::span<float> bias) {
    input_.bind(input.data);
    output_gradient_.bind(output_gradient.data);
    weights_.bind(weights.data());
    bias_.bind(bias.data());
    input_.load(stream);
    output_gradient_.load(stream);
    call_.run(stream);
    weights_.store(stream);
  }

 private:
  static Description describe(const Extents& x) {
    return {{kDirect, onednn::any_layout(x.input_shape), onednn::any_layout(x.weights_shape), x.bias,
             onednn::any_layout(x.output_shape), x.strides, x.padding, x.padding},
            onednn::with_our_scratchpad(),
            onednn::cpu_engine(),
            describe_forward(x, /*has_relu=*/false)};
  }

  WeightGradient(const Extents& x, const Description& description, const CallersLayouts& callers,
                 Arena& arena)
      : workspace_(arena),
        input_(callers.input, description.src_desc(), workspace_),
        output_gradient_(callers.output, description.diff_dst_desc(), workspace_),
        weights_(callers.weights, description.diff_weights_desc(), workspace_),
        bias_(x.bias, x.bias, workspace_),
        call_(description,
              {{DNNL_ARG_SRC, input_.memory()},
               {DNNL_ARG_DIFF_DST, output_gradient_.memory()},
               {DNNL_ARG_DIFF_WEIGHTS, weights_.memory()},
               {DNNL_ARG_DIFF_BIAS, bias_.memory()}},
              workspace_) {}

  Workspace workspace_;
  Argument input_, output_gradient_, weights_, bias_;
  Call call_;
};

class InputGradient {
 public:
  using Description = dnnl::convolution_backward_data::primitive_desc;

  InputGradient(const Extents& x, const CallersLayouts& callers, Arena& arena)
      : InputGradient(describe(x), callers, arena) {}

  void run(dnnl::stream& stream, ConstTensor output_gradient, std::span<const float> weights,
           Tensor input_gradient) {
    output_gradient_.bind(output_gradient.data);
    weights_.bind(weights.data());
    input_gradient_.bind(input_gradient.data);
    output_gradient_.load(stream);
    weights_.load(stream);
    call_.run(stream);
    input_gradient_.store(stream);
  }

 private:
  static Description describe(const Extents& x) {
    return {{kDirect, onednn::any_layout(x.input_shape), onednn::any_layout(x.weights_shape),
             onednn::any_layout(x.output_shape), x.strides, x.padding, x.padding},
            onednn::with_our_scratchpad(),
            onednn::cpu_engine(),
            describe_forward(x, /*has_relu=*/false)};
  }

  InputGradient(const Description& description, const CallersLayouts& callers, Arena& arena)
      : workspace_(arena),
        output_gradient_(callers.output, description.diff_dst_desc(), workspace_),
        weights_(callers.weights, description.weights_desc(), workspace_),
        input_gradient_(callers.input, description.diff_src_desc(), workspace_),
        call_(description,
              {{DNNL_ARG_DIFF_DST, output_gradient_.memory()},
               {DNNL_ARG_WEIGHTS, weights_.memory()},
               {DNNL_ARG_DIFF_SRC, input_gradient_.memory()}},
              workspace_) {}

  Workspace workspace_;
  Argument output_gradient_, weights_, input_gradient_;
  Call call_;
};

// Adapts the weight gradient of a convolution with one input channel to UnfoldedRows.
Extents unfolded(Extents x) {
  const std::size_t kernel = x.weights_shape[2];
  x.input_shape = {x.input_shape[0], kernel, x.input_shape[2], x.output_shape[3]};
  x.weights_shape = {x.weights_shape[0], kernel, kernel, 1};
  x.strides[1] = 1;
  x.padding[1] = 0;
  return x;
}

// Channel and row of the unfolded weights are column and row of the plain ones.
memory::desc unfolded_weights(const Shape& shape) {
  const auto kernel = static_cast<memory::dim>(shape[1]);
  return {{static_cast<memory::dim>(shape[0]), kernel, kernel, 1},
          memory::data_type::f32,
          memory::dims{kernel * kernel, 1, kernel, kernel * kernel}};
}

class ConvolutionProducts final : public Products {
 public:
  ConvolutionProducts(const TensorForm& input, const ConvolutionShape& shape, Arena& arena)
      : ConvolutionProducts(Extents(input, shape), input, shape, arena) {}

  const TensorForm& output_form() const override { return output_form_; }

  void forward(ConstTensor input, std::span<const float> weights, std::span<const float> bias,
               Tensor output) override {
    forward_->run(stream_, input, weights, bias, output);
  }

  void weight_gradient(ConstTensor input, ConstTensor output_gradient, std::span<float> weights,
                       std::span<float> bias) override {
    weight_gradient_->run(stream_, unfolding_ ? unfolding_->unfold(input) : input, output_gradient, weights,
                          bias);
  }

  void input_gradient(ConstTensor output_gradient, std::span<const float> weights,
                      Tensor input_gradient) override {
    STERNA_CHECK(input_gradient_.has_value() == true);
    input_gradient_->run(stream_, output_gradient, weights, input_gradient);
  }

 private:
  ConvolutionProducts(const Extents& x, const TensorForm& input, const ConvolutionShape& shape, Arena& arena)
      : stream_(onednn::cpu_engine()) {
    const auto description = describe_forward(x, shape.has_relu);
    output_form_ = onednn::form_of(x.output_shape, description.dst_desc());
    const CallersLayouts callers{.input = onednn::layout_of(input),
                                 .weights = onednn::plain_layout(x.weights_shape),
                                 .output = onednn::layout_of(output_form_)};
    forward_.emplace(x, description, callers, arena);
    if (shape.needs_input_gradient) input_gradient_.emplace(x, callers, arena);
    if (input.is_plain() && UnfoldedRows::pays(input.shape, shape)) {
      unfolding_.emplace(input.shape, x.output_shape[3], shape, arena);
      const Extents turned = unfolded(x);
      weight_gradient_.emplace(turned,
                               CallersLayouts{.input = unfolding_->layout(),
                                              .weights = unfolded_weights(turned.weights_shape),
                                              .output = callers.output},
                               arena);
    } else {
      weight_gradient_.emplace(x, callers, arena);
    }
  }

  dnnl::stream stream_;
  TensorForm output_form_;
  std::optional<Forward> forward_;
  std::optional<UnfoldedRows> unfolding_;
  std::optional<WeightGradient> weight_gradient_;
  std::optional<InputGradient> input_gradient_;
};

}  // namespace

std::unique_ptr<Products> make_convolution_products(const TensorForm& input, const ConvolutionShape& shape,
                                                    Arena& arena) {
  return std::make_unique<ConvolutionProducts>(input, shape, arena);
}

}  // namespace sterna::tensor
