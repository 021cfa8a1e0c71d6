#include "runtime/core/shared_library.h"

#include <dlfcn.h>

#include <utility>

#include "runtime/core/errors.h"

namespace sterna {
namespace {

ConfigError cannot_load(const std::string& what, const std::string& remedy) {
  const char* const reason = ::dlerror();
  return ConfigError(cat("cannot load ", what, " (", reason == nullptr ? "no reason given" : reason, "); ",
                         remedy, ", or name its directory in LD_LIBRARY_PATH"));
}

}  // namespace

SharedLibrary::SharedLibrary(std::string file, std::string remedy)
    : file_(std::move(file)),
      remedy_(std::move(remedy)),
      handle_(::dlopen(file_.c_str(), RTLD_NOW | RTLD_LOCAL)) {
  if (handle_ == nullptr) throw cannot_load(file_, remedy_);
}

void* SharedLibrary::address_of(const char* name) const {
  void* const address = ::dlsym(handle_, name);
  if (address == nullptr) throw cannot_load(cat(name, " of ", file_), remedy_);
  return address;
}

}  // namespace sterna
