// Fully connected layers and convolutions: sums of products, each as far from the CPU's as roundings allow.
#include "tests/tensor/cuda/both.h"

namespace sterna::tensor::cuda {
namespace {

struct LayerShape {
  std::size_t rows, inputs, outputs;
};

class CudaFullyConnected : public testing::TestWithParam<LayerShape> {};

TEST_P(CudaFullyConnected, MultipliesAsTheCpuDoes) {
  const auto [rows, inputs, outputs] = GetParam();
  expect_near_sums(inputs + 1, [&](Workshop& on, const auto& change) {
    const auto input = on.tensor(plain({rows, inputs}), change(normal_values(rows * inputs, 1)));
    const auto weights = on.upload(change(normal_values(outputs * inputs, 2)));
    const auto bias = on.upload(change(normal_values(outputs, 3)));
    const auto products = on.operations.make_fully_connected_products(*input.form, {.outputs = outputs});
    const auto with_bias = on.output(products->output_form());
    products->forward(input, weights, bias, with_bias);
    const auto without = on.output(products->output_form());
    products->forward(input, weights, {}, without);
    return Results{on.download(with_bias), on.download(without)};
  });
}

TEST_P(CudaFullyConnected, GoesBack) {
  const auto [rows, inputs, outputs] = GetParam();
  expect_near_sums(std::max(rows, outputs), [&](Workshop& on, const auto& change) {
    const auto input = on.tensor(plain({rows, inputs}), change(normal_values(rows * inputs, 1)));
    const auto weights = on.upload(change(normal_values(outputs * inputs, 2)));
    const auto products = on.operations.make_fully_connected_products(*input.form, {.outputs = outputs});
    const auto above = on.tensor(products->output_form(), change(normal_values(rows * outputs, 4)));
    const auto of_weights = on.output(outputs * inputs);
    const auto of_bias = on.output(outputs);
    const auto of_input = on.output(*input.form);
    products->weight_gradient(input, above, of_weights, of_bias);
    products->input_gradient(above, weights, of_input);
    return Results{on.download(of_weights), on.download(of_bias), on.download(of_input)};
  });
}

INSTANTIATE_TEST_SUITE_P(Shapes, CudaFullyConnected,
                         testing::Values(LayerShape{1, 1, 1}, LayerShape{7, 33, 5}, LayerShape{64, 100, 10},
                                         LayerShape{300, 17, 65}));

// Sums of one term are exact: what the clamp makes of them is too.
TEST(CudaFullyConnected, ClampsNegativeSumsAndKeepsNan) {
  for (const bool has_bias : {false, true}) {
    expect_same_bits([&](Workshop& on) {
      const auto input = on.tensor(plain({2, 3, 1}), {1.0f, -1.0f, kNan, 2.0f, 0.5f, -0.5f});
      const auto products =
          on.operations.make_fully_connected_products(*input.form, {.outputs = 2, .has_relu = true});
      const auto output = on.output(products->output_form());
      products->forward(input, on.upload(Values{1.0f, -2.0f}),
                        on.upload(has_bias ? Values{0.25f, -0.25f} : Values{}), output);
      EXPECT_EQ(products->output_form().shape, (Shape{2, 3, 2}));
      return Results{on.download(output)};
    });
  }
}

TEST(CudaRepeatedProducts, AreThoseOfTheCpuWhileWeightsAreHeld) {
  constexpr std::size_t kRows = 6, kInputs = 20, kOutputs = 80;
  expect_near_sums(kOutputs, [&](Workshop& on, const auto& change) {
    const auto input = on.tensor(plain({kRows, kInputs}), change(normal_values(kRows * kInputs, 1)));
    const auto weights = on.upload(change(normal_values(kOutputs * kInputs, 2)));
    const auto products = on.operations.make_repeated_products(*input.form, kOutputs, on.arena);
    const auto output = on.output(products->output_form());
    products->hold_weights(weights, WeightUse::kForward);
    products->forward(input, weights, {}, output);
    products->release_weights();
    const auto of_input = on.output(*input.form);
    products->hold_weights(weights, WeightUse::kInputGradient);
    products->input_gradient(output, weights, of_input);
    products->release_weights();
    return Results{on.download(output), on.download(of_input)};
  });
}

struct ConvolutionCase {
  Shape input;
  ConvolutionShape shape;
};

// Kernels of 1, 3 and 5, strides and padding, groups of one channel and of more, extents that no stride
// divides.
const ConvolutionCase kConvolutions[] = {
    {{1, 1, 5, 5}, {.outputs = 1, .kernel = 1}},
    {{3, 1, 12, 9}, {.outputs = 6, .kernel = 5}},
    {{2, 3, 7, 8}, {.outputs = 8, .kernel = 3, .padding = 1, .has_bias = false}},
    {{2, 4, 9, 7}, {.outputs = 6, .kernel = 3, .stride = 2, .padding = 1}},
    {{2, 8, 6, 6}, {.outputs = 4, .kernel = 1, .stride = 2, .has_bias = false}},
    {{2, 6, 7, 7}, {.outputs = 6, .kernel = 3, .padding = 1, .groups = 6, .has_bias = false}},
    {{2, 6, 8, 5}, {.outputs = 4, .kernel = 3, .stride = 2, .padding = 1, .groups = 2}},
};

class CudaConvolution : public testing::TestWithParam<ConvolutionCase> {
 protected:
  // The CPU may want its tensors in a layout of its own: what is compared is plain.
  static Values on_host(Workshop& on, ConstTensor tensor) {
    if (tensor.form->is_plain()) return on.download(tensor);
    const auto reorder = on.operations.make_reorder(*tensor.form);
    const auto flat = on.output(plain(tensor.form->shape));
    reorder->to_plain(tensor, flat);
    return on.download(flat);
  }
  static Tensor on_device(Workshop& on, const TensorForm& form, const Values& values) {
    const auto flat = on.tensor(plain(form.shape), values);
    if (form.is_plain()) return flat;
    const auto blocked = on.tensor(form, Values(form.storage_elements(), 0.0f));
    on.operations.make_reorder(form)->from_plain(flat, blocked);
    return blocked;
  }

  std::size_t taps() const {
    const ConvolutionShape& shape = GetParam().shape;
    return GetParam().input[1] / shape.groups * shape.kernel * shape.kernel;
  }
};

TEST_P(CudaConvolution, IsThatOfTheCpu) {
  const auto& [shape, convolution] = GetParam();
  const std::size_t weight_elements = convolution.outputs * taps();
  expect_near_sums(taps() + 1, [&](Workshop& on, const auto& change) {
    const auto products = on.operations.make_convolution_products(plain(shape), convolution, on.arena);
    const auto input = on.tensor(plain(shape), change(normal_values(elements_of(shape), 1)));
    const auto output = on.output(products->output_form());
    products->forward(input, on.upload(change(normal_values(weight_elements, 2))),
                      on.upload(change(normal_values(convolution.has_bias ? convolution.outputs : 0, 3))),
                      output);
    return Results{on_host(on, output)};
  });
}

TEST_P(CudaConvolution, GoesBack) {
  const auto& [shape, convolution] = GetParam();
  const std::size_t weight_elements = convolution.outputs * taps();
  // A weight's gradient sums positions of all samples; an input's, weights of its group's outputs.
  const std::size_t terms = std::max(elements_of(shape) / shape[1], convolution.outputs * taps());
  expect_near_sums(terms, [&](Workshop& on, const auto& change) {
    const auto products = on.operations.make_convolution_products(plain(shape), convolution, on.arena);
    const auto input = on.tensor(plain(shape), change(normal_values(elements_of(shape), 1)));
    const auto weights = on.upload(change(normal_values(weight_elements, 2)));
    const TensorForm& output_form = products->output_form();
    const auto above = on_device(on, output_form, change(normal_values(elements_of(output_form.shape), 4)));
    const auto of_weights = on.output(weight_elements);
    const auto of_bias = on.output(convolution.has_bias ? convolution.outputs : 0);
    const auto of_input = on.output(plain(shape));
    products->weight_gradient(input, above, of_weights, of_bias);
    products->input_gradient(above, weights, of_input);
    return Results{on.download(of_weights), on.download(of_bias), on.download(of_input)};
  });
}

INSTANTIATE_TEST_SUITE_P(Shapes, CudaConvolution, testing::ValuesIn(kConvolutions));

TEST(CudaConvolution, ClampsAndLeavesOutGradientsThatNobodyNeeds) {
  expect_same_bits([&](Workshop& on) {
    const auto products = on.operations.make_convolution_products(
        plain({1, 1, 2, 2}), {.outputs = 2, .kernel = 1, .has_relu = true, .needs_input_gradient = false},
        on.arena);
    const auto input = on.tensor(plain({1, 1, 2, 2}), {1.0f, -1.0f, 0.5f, -0.0f});
    const auto output = on.output(products->output_form());
    products->forward(input, on.upload(Values{1.0f, -1.0f}), on.upload(Values{0.25f, 0.0f}), output);
    const auto flat = on.output(plain(output.form->shape));
    if (output.form->is_plain()) return Results{on.download(output)};
    on.operations.make_reorder(*output.form)->to_plain(output, flat);
    return Results{on.download(flat)};
  });
}

}  // namespace
}  // namespace sterna::tensor::cuda
