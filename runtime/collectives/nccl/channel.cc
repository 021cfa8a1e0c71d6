#include "runtime/collectives/nccl/channel.h"

#include <array>
#include <optional>
#include <thread>
#include <utility>

#include "runtime/collectives/collectives.h"
#include "runtime/collectives/nccl/api.h"
#include "runtime/collectives/nccl/check.h"
#include "runtime/core/errors.h"
#include "runtime/core/scheduling.h"

namespace sterna::collectives {
namespace {

using std::chrono::steady_clock;

// Polls before a waiting rank gives the processor to others, as over MPI.
constexpr int kPollsBeforeSleep = 50;
constexpr std::chrono::microseconds kSleep{20};

// Calls is_done() until it is true. Returns false when the time is over.
template <typename IsDone>
bool polled(const IsDone& is_done, std::chrono::milliseconds time_limit) {
  const auto deadline = steady_clock::now() + time_limit;
  std::optional<PreciseSleeps> precise_sleeps;
  for (int polls = 0; !is_done(); ++polls) {
    if (polls < kPollsBeforeSleep) continue;
    if (steady_clock::now() > deadline) return false;
    if (!precise_sleeps) precise_sleeps.emplace();
    std::this_thread::sleep_for(kSleep);
  }
  return true;
}

}  // namespace

NcclChannel::NcclChannel(Communicator& control, int device, std::chrono::milliseconds time_limit)
    : rank_(control.rank()), device_(device), time_limit_(time_limit) {
  check_cuda(cudaSetDevice(device_), {.name = "cudaSetDevice", .rank = rank_});
  stream_ = make_stream();
  try {
    create(control);
  } catch (...) {
    break_off();
    throw;
  }
}

void NcclChannel::create(Communicator& control) {
  ncclUniqueId id{};
  if (rank_ == 0) {
    check_nccl(nccl_api().get_unique_id(&id), {.name = "ncclGetUniqueId", .rank = rank_}, nullptr);
  }
  broadcast(control, 0, std::as_writable_bytes(std::span(&id, 1)));

  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  config.blocking = 0;
  check_nccl(nccl_api().comm_init_rank_config(&comm_, control.ranks(), id, rank_, &config),
             {.name = "ncclCommInitRankConfig", .rank = rank_}, nullptr);
  if (polled([this] { return is_ready({}); }, time_limit_)) return;
  throw CommError(
      cat("[nccl] rank ", rank_, ": after ", time_limit_.count(),
          " ms still awaited: all ranks in ncclCommInitRankConfig; see whether one has failed, and "
          "whether NCCL_SOCKET_IFNAME names a network between the hosts"));
}

// What the device does ends with the communicator, so that the stream's memory can be freed. NCCL's abort
// itself waits without limit, for its proxy and other ranks of the host: a thread of its own makes that call,
// and is left to itself when the time is over.
void NcclChannel::break_off() noexcept {
  is_broken_ = true;
  if (comm_ == nullptr) return;
  cudaSetDevice(device_);
  const ncclComm_t comm = std::exchange(comm_, nullptr);
  try {
    const auto is_aborted = std::make_shared<std::atomic<bool>>(false);
    std::thread([comm, device = device_, is_aborted] {
      cudaSetDevice(device);
      nccl_api().comm_abort(comm);
      *is_aborted = true;
    }).detach();
    polled([&] { return is_aborted->load(); }, time_limit_);
  } catch (const std::exception&) {
    return;  // no thread and no memory to be had: the process is at its end
  }
  polled([this] { return cudaStreamQuery(stream_.get()) != cudaErrorNotReady; }, time_limit_);
}

NcclChannel::~NcclChannel() {
  if (comm_ == nullptr) return;
  cudaSetDevice(device_);
  ncclResult_t state = nccl_api().comm_finalize(comm_);
  const auto has_flushed = [&] {
    if (state == ncclInProgress) (void)nccl_api().comm_get_async_error(comm_, &state);
    return state != ncclInProgress;
  };
  if (polled(has_flushed, time_limit_) && state == ncclSuccess) {
    nccl_api().comm_destroy(comm_);
  } else {
    break_off();
  }
}

void NcclChannel::enter() {
  if (is_abandoned_) {
    break_off();  // what is under way may wait for ranks that do not come
    throw abandoned(rank_);
  }
  if (is_broken_) throw CommError(cat("[nccl] rank ", rank_, ": given up after an earlier error"));
  check_cuda(cudaSetDevice(device_), {.name = "cudaSetDevice", .rank = rank_});
}

bool NcclChannel::is_ready(std::span<const AwaitedBlock> awaited) const {
  ncclResult_t state = ncclSuccess;
  check_nccl(nccl_api().comm_get_async_error(comm_, &state), {.name = "ncclCommGetAsyncError", .rank = rank_},
             comm_);
  if (state == ncclSuccess || state == ncclInProgress) return state == ncclSuccess;
  throw CommError(cat("[nccl] rank ", rank_, ": ncclCommGetAsyncError: ", reason_of(state, comm_),
                      "; under way: ", text_of(awaited)));
}

void NcclChannel::poll_until(const std::function<bool()>& is_done, std::span<const AwaitedBlock> awaited) {
  const auto is_done_or_given_up = [&] {
    if (is_abandoned_) throw abandoned(rank_);
    return is_done();
  };
  try {
    if (!polled(is_done_or_given_up, time_limit_)) throw time_limit_is_over(rank_, time_limit_, awaited);
  } catch (const CommError&) {
    break_off();
    throw;
  }
}

void NcclChannel::run_group(const std::function<void()>& calls, std::span<const AwaitedBlock> awaited) {
  check_nccl(nccl_api().group_start(), {.name = "ncclGroupStart", .rank = rank_}, comm_);
  try {
    calls();
  } catch (...) {
    nccl_api().group_end();  // or the next group would be one within this
    break_off();
    throw;
  }
  const ncclResult_t code = nccl_api().group_end();
  poll_until(
      [&] {
        check_nccl(code, {.name = "ncclGroupEnd", .rank = rank_}, comm_);
        return is_ready(awaited);
      },
      awaited);
}

Event NcclChannel::record() {
  Event event = make_event();
  check_cuda(cudaEventRecord(event.get(), stream_.get()), {.name = "cudaEventRecord", .rank = rank_});
  return event;
}

// NCCL's error first: an operation that has failed never comes to its event.
void NcclChannel::wait(cudaEvent_t event, std::span<const AwaitedBlock> awaited) {
  enter();
  const auto has_come = [&] {
    (void)is_ready(awaited);
    const cudaError_t code = cudaEventQuery(event);
    if (code == cudaErrorNotReady) return false;
    check_cuda(code, {.name = "cudaEventQuery", .rank = rank_});
    return true;
  };
  poll_until(has_come, awaited);
}

void NcclChannel::settle() {
  enter();
  const Event now = record();
  wait(now.get(), left_under_way_);
  left_under_way_.clear();
}

// Of the same peers again and again: the first ones say enough.
void NcclChannel::leave_under_way(std::span<const AwaitedBlock> blocks) {
  constexpr std::size_t kMostNamed = 32;
  for (const AwaitedBlock& block : blocks) {
    if (left_under_way_.size() < kMostNamed) left_under_way_.push_back(block);
  }
}

}  // namespace sterna::collectives
