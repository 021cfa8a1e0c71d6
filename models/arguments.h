// The arguments of a model: sizes that a config may set with --model-arg name=value.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sterna::models {

// A model's factory reads each argument that it has once, with its default; afterwards require_all_read()
// finds what nobody read.
class ModelArguments {
 public:
  // Throws ConfigError if a text is not "name=value", or a name comes twice.
  ModelArguments(std::string_view model, std::span<const std::string> texts);

  // The whole number called `name`, in [least, most]; `standard` where it is not given. Throws ConfigError if
  // it is no such number.
  [[nodiscard]] std::size_t whole(std::string_view name, std::size_t standard, std::size_t least = 1,
                                  std::size_t most = std::size_t{1} << 20);

  // The number called `name`, in [least, most].
  [[nodiscard]] double real(std::string_view name, double standard, double least, double most);

  // Throws ConfigError, which lists the arguments that were read, if one was given that was not.
  void require_all_read() const;

 private:
  struct Given {
    std::string name;
    std::string value;
    bool is_read = false;
  };

  // Notes that the model has this argument; null where it is not given.
  const std::string* find(std::string_view name, std::string what_it_takes);
  [[noreturn]] void refuse(std::string_view name, const std::string& value) const;

  std::string model_;
  std::vector<Given> given_;
  std::vector<std::string> known_;  // "name (default, range)", in the order of reading
};

}  // namespace sterna::models
