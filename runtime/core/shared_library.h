// A shared library that is loaded when it is asked for, so that the program starts where it is missing.
#pragma once

#include <string>

namespace sterna {

// Stays loaded until the process ends.
class SharedLibrary {
 public:
  //   file    as the loader knows it, such as "libnccl.so.2"
  //   remedy  what to do where it cannot be loaded, such as "install NCCL 2.14 or newer"
  // Throws ConfigError with the loader's reason and the remedy.
  SharedLibrary(std::string file, std::string remedy);

  // Sets `function` to the library's function of this name, whose type it must have. Throws as the
  // constructor.
  template <typename Function>
  void look_up(const char* name, Function& function) const {
    function = reinterpret_cast<Function>(address_of(name));
  }

 private:
  [[nodiscard]] void* address_of(const char* name) const;

  std::string file_;
  std::string remedy_;
  void* handle_;
};

}  // namespace sterna
