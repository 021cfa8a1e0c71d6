#include <algorithm>
#include <iterator>
#include <vector>

#include "models/model.h"
#include "runtime/core/errors.h"

namespace sterna::models {

// Each defined in the file of that name; declared only here, so only the table calls them.
std::unique_ptr<Model> make_alexnet(const ModelUse& use, ModelArguments& arguments);
std::unique_ptr<Model> make_bert(const ModelUse& use, ModelArguments& arguments);
std::unique_ptr<Model> make_bn50_dnn(const ModelUse& use, ModelArguments& arguments);
std::unique_ptr<Model> make_char_lstm(const ModelUse& use, ModelArguments& arguments);
std::unique_ptr<Model> make_cifar_cnn(const ModelUse& use, ModelArguments& arguments);
std::unique_ptr<Model> make_fsdd_bilstm(const ModelUse& use, ModelArguments& arguments);
std::unique_ptr<Model> make_gpt(const ModelUse& use, ModelArguments& arguments);
std::unique_ptr<Model> make_lenet(const ModelUse& use, ModelArguments& arguments);
std::unique_ptr<Model> make_mobilenetv2(const ModelUse& use, ModelArguments& arguments);
std::unique_ptr<Model> make_mobilenetv2_cifar(const ModelUse& use, ModelArguments& arguments);
std::unique_ptr<Model> make_resnet18(const ModelUse& use, ModelArguments& arguments);
std::unique_ptr<Model> make_resnet20(const ModelUse& use, ModelArguments& arguments);
std::unique_ptr<Model> make_resnet34(const ModelUse& use, ModelArguments& arguments);
std::unique_ptr<Model> make_resnet34_cifar(const ModelUse& use, ModelArguments& arguments);
std::unique_ptr<Model> make_resnet50(const ModelUse& use, ModelArguments& arguments);
std::unique_ptr<Model> make_speech_bilstm(const ModelUse& use, ModelArguments& arguments);
std::unique_ptr<Model> make_transformer(const ModelUse& use, ModelArguments& arguments);
std::unique_ptr<Model> make_vgg16(const ModelUse& use, ModelArguments& arguments);
std::unique_ptr<Model> make_vit(const ModelUse& use, ModelArguments& arguments);

namespace {

constexpr ModelEntry kModels[] = {
    {"alexnet", "five convolutions, three fully connected layers, 224 x 224 colour images", 61'100'840,
     make_alexnet},
    {"bert", "encoder for masked symbols or classes of texts, base size", 132'658'746, make_bert},
    {"bn50-dnn", "six fully connected layers, 440 features to 5999 classes (speech)", 10'798'959,
     make_bn50_dnn},
    {"char-lstm", "two LSTM layers, the next of 65 characters at every position", 4'269'121, make_char_lstm},
    {"cifar-cnn", "three convolutions, one fully connected layer, 32 x 32 colour images", 89'578,
     make_cifar_cnn},
    {"fsdd-bilstm", "two bidirectional LSTM layers, 64 x 40 features of speech to 10 digits", 571'914,
     make_fsdd_bilstm},
    {"gpt", "decoder-only transformer, next symbol of a text (tiny Shakespeare)", 3'225'153, make_gpt},
    {"lenet", "two convolutions, two fully connected layers, 28 x 28 grey images", 582'026, make_lenet},
    {"mobilenetv2", "inverted residuals with depthwise convolutions, 224 x 224 colour images", 3'504'872,
     make_mobilenetv2},
    {"mobilenetv2-cifar", "mobilenetv2 for 32 x 32 colour images", 2'236'682, make_mobilenetv2_cifar},
    {"resnet18", "residual network of 18 layers, 224 x 224 colour images", 11'689'512, make_resnet18},
    {"resnet20", "residual network of 20 layers, 32 x 32 colour images", 272'474, make_resnet20},
    {"resnet34", "residual network of 34 layers, 224 x 224 colour images", 21'797'672, make_resnet34},
    {"resnet34-cifar", "residual network of 34 layers, 32 x 32 colour images", 21'282'122,
     make_resnet34_cifar},
    {"resnet50", "residual network of 50 layers with bottlenecks, 224 x 224 colour images", 25'557'032,
     make_resnet50},
    {"speech-bilstm", "four bidirectional LSTM layers, 32,000 phonetic states at every frame", 30'555'648,
     make_speech_bilstm},
    {"transformer", "encoder and decoder for translation, base size (WMT14, Multi30k)", 101'009'544,
     make_transformer},
    {"vgg16", "thirteen convolutions with batch normalisation, 224 x 224 colour images", 138'365'992,
     make_vgg16},
    {"vit", "vision transformer, ViT-B/16 for 224 x 224 colour images (ImageNet)", 86'567'656, make_vit},
};
static_assert(std::ranges::adjacent_find(kModels, std::ranges::greater_equal{}, &ModelEntry::name) ==
                  std::end(kModels),
              "keep the table sorted, each name once");

}  // namespace

std::span<const ModelEntry> model_table() {
  return kModels;
}

const ModelEntry& find_model(std::string_view name) {
  std::vector<std::string_view> names;
  for (const ModelEntry& entry : kModels) {
    if (entry.name == name) return entry;
    names.push_back(entry.name);
  }
  throw ConfigError(
      cat("[models] model = \"", name, "\": no such model; this build has ", joined(names, ", ")));
}

std::unique_ptr<Model> make_model(std::string_view name, std::size_t batch_samples,
                                  std::span<const std::string> arguments, tensor::Operations& operations) {
  const ModelEntry& entry = find_model(name);
  ModelArguments given(name, arguments);
  std::unique_ptr<Model> model =
      entry.make({.batch_samples = batch_samples, .operations = operations}, given);
  given.require_all_read();
  return model;
}

}  // namespace sterna::models
