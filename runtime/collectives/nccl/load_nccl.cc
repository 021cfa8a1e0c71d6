#include <dlfcn.h>

#include "runtime/collectives/nccl/api.h"
#include "runtime/core/errors.h"

namespace sterna::collectives {
namespace {

constexpr const char* kLibrary = "libnccl.so.2";

ConfigError cannot_load(const char* what) {
  const char* reason = ::dlerror();
  return ConfigError(cat("cannot load ", what, " (", reason == nullptr ? "no reason given" : reason,
                         "); install NCCL 2.14 or newer, or name its directory in LD_LIBRARY_PATH"));
}

template <typename Function>
void look_up(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  if (function == nullptr) throw cannot_load(name);
}

NcclApi load() {
  void* const library = ::dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw cannot_load(kLibrary);
  NcclApi api{};
  look_up(library, "ncclGetVersion", api.get_version);
  look_up(library, "ncclGetErrorString", api.get_error_string);
  look_up(library, "ncclGetLastError", api.get_last_error);
  look_up(library, "ncclGetUniqueId", api.get_unique_id);
  look_up(library, "ncclCommInitRankConfig", api.comm_init_rank_config);
  look_up(library, "ncclCommGetAsyncError", api.comm_get_async_error);
  look_up(library, "ncclCommFinalize", api.comm_finalize);
  look_up(library, "ncclCommDestroy", api.comm_destroy);
  look_up(library, "ncclCommAbort", api.comm_abort);
  look_up(library, "ncclGroupStart", api.group_start);
  look_up(library, "ncclGroupEnd", api.group_end);
  look_up(library, "ncclSend", api.send);
  look_up(library, "ncclRecv", api.recv);
  look_up(library, "ncclAllReduce", api.all_reduce);
  return api;
}

}  // namespace

const NcclApi& nccl_api() {
  static const NcclApi api = load();
  return api;
}

}  // namespace sterna::collectives
