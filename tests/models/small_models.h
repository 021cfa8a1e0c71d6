// Arguments that make each model small enough to be tested many times.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace sterna::models {

// Empty for models that are small as they are.
inline std::vector<std::string> small_arguments(std::string_view model) {
  static const std::map<std::string_view, std::vector<std::string>> kSmall = {
      {"alexnet", {"image=63", "classes=7", "width=8", "hidden=24", "dropout=0"}},
      {"char-lstm", {"positions=5", "hidden=19", "symbols=11"}},
      {"fsdd-bilstm", {"frames=6", "features=5", "hidden=12"}},
      {"speech-bilstm", {"frames=3", "features=7", "hidden=9", "bottleneck=8", "states=33"}},
      {"bert", {"vocab=11", "positions=9", "d=24", "heads=3", "layers=2", "ffn=40", "dropout=0"}},
      {"gpt", {"vocab=11", "positions=9", "d=24", "heads=3", "layers=2", "ffn=40"}},
      {"transformer",
       {"vocab=11", "source=7", "target=6", "d=24", "heads=3", "layers=2", "ffn=40", "dropout=0",
        "smoothing=0"}},
      {"vit", {"image=12", "patch=4", "classes=5", "d=24", "heads=3", "layers=2", "ffn=40"}},
      {"mobilenetv2", {"image=32", "classes=7", "width=0.05", "dropout=0"}},
      {"mobilenetv2-cifar", {"image=16", "width=0.05", "dropout=0"}},
      {"resnet18", {"image=64", "classes=7", "width=8"}},
      {"resnet20", {"depth=8"}},
      {"resnet34", {"image=64", "classes=7", "width=8"}},
      {"resnet34-cifar", {"width=8"}},
      {"resnet50", {"image=64", "classes=7", "width=8"}},
      {"vgg16", {"image=64", "classes=7", "width=8", "hidden=24", "dropout=0"}},
  };
  const auto found = kSmall.find(model);
  return found == kSmall.end() ? std::vector<std::string>{} : found->second;
}

}  // namespace sterna::models
