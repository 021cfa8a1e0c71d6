// A model out of layers: a chain that ends in logits, and the cross entropy of their softmax.
#pragma once

#include <functional>
#include <memory>

#include "models/generator.h"
#include "models/layers/sequential.h"
#include "models/model.h"

namespace sterna::models {

// Appends a model's layers to the empty chain.
using AddLayers = std::function<void(Sequential& layers)>;

// Makes what generates with the parameters of a model, laid out as its table says.
using MakeGenerator = std::function<std::unique_ptr<Generator>(const GeneratorShape& shape,
                                                               const tensor::ParameterTable& table)>;

// The last layer's output must be plain, [..., sample.classes], with use.batch_samples * sample.labels rows.
//   label_smoothing  of the training loss, in [0, 1]; evaluations score the labels as they are
[[nodiscard]] std::unique_ptr<Model> make_network(const data::SampleShape& sample, const ModelUse& use,
                                                  const AddLayers& add_layers, double label_smoothing = 0.0,
                                                  const MakeGenerator& make_generator = {});

}  // namespace sterna::models
