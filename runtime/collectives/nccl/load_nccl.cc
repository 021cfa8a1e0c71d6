#include "runtime/collectives/nccl/api.h"
#include "runtime/core/shared_library.h"

namespace sterna::collectives {
namespace {

NcclApi load() {
  const SharedLibrary from("libnccl.so.2", "install NCCL 2.14 or newer");
  NcclApi api{};
  from.look_up("ncclGetVersion", api.get_version);
  from.look_up("ncclGetErrorString", api.get_error_string);
  from.look_up("ncclGetLastError", api.get_last_error);
  from.look_up("ncclGetUniqueId", api.get_unique_id);
  from.look_up("ncclCommInitRankConfig", api.comm_init_rank_config);
  from.look_up("ncclCommGetAsyncError", api.comm_get_async_error);
  from.look_up("ncclCommFinalize", api.comm_finalize);
  from.look_up("ncclCommDestroy", api.comm_destroy);
  from.look_up("ncclCommAbort", api.comm_abort);
  from.look_up("ncclGroupStart", api.group_start);
  from.look_up("ncclGroupEnd", api.group_end);
  from.look_up("ncclSend", api.send);
  from.look_up("ncclRecv", api.recv);
  from.look_up("ncclAllReduce", api.all_reduce);
  return api;
}

}  // namespace

const NcclApi& nccl_api() {
  static const NcclApi api = load();
  return api;
}

}  // namespace sterna::collectives
