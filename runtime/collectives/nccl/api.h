// The functions of NCCL that are used, by the names of nccl.h without their prefix.
//
// They are looked up in libnccl.so.2 when NCCL is asked for, and not linked: the program starts on machines
// that have no NCCL, and does not load its 200 MB elsewhere.
#pragma once

#include <nccl.h>

namespace sterna::collectives {

struct NcclApi {
  decltype(&ncclGetVersion) get_version;
  decltype(&ncclGetErrorString) get_error_string;
  decltype(&ncclGetLastError) get_last_error;
  decltype(&ncclGetUniqueId) get_unique_id;
  decltype(&ncclCommInitRankConfig) comm_init_rank_config;
  decltype(&ncclCommGetAsyncError) comm_get_async_error;
  decltype(&ncclCommFinalize) comm_finalize;
  decltype(&ncclCommDestroy) comm_destroy;
  decltype(&ncclCommAbort) comm_abort;
  decltype(&ncclGroupStart) group_start;
  decltype(&ncclGroupEnd) group_end;
  decltype(&ncclSend) send;
  decltype(&ncclRecv) recv;
  decltype(&ncclAllReduce) all_reduce;
};

// Loads the library with the first call; it stays. Throws ConfigError with the loader's reason, for
// make_nccl() to say who asked.
[[nodiscard]] const NcclApi& nccl_api();

}  // namespace sterna::collectives
