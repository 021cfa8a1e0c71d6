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
      {"resnet20", {"depth=8"}},
      {"resnet34-cifar", {"width=8"}},
  };
  const auto found = kSmall.find(model);
  return found == kSmall.end() ? std::vector<std::string>{} : found->second;
}

}  // namespace sterna::models
