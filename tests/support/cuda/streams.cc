// Streams that run when somebody asks, and events.
#include <map>
#include <memory>

#include "runtime/core/errors.h"
#include "tests/support/cuda/stand_in.h"
#include "tests/support/cuda/state.h"

namespace sterna::cuda_stand_in {
namespace {

template <typename Handle>
bool is_usable(const std::set<Handle>& living, Handle handle, const char* call) {
  if (!living.contains(handle)) {
    (void)mistake(cudaErrorInvalidResourceHandle, cat(call, ": no such handle"));
    return false;
  }
  if (handle->device == current_device()) return true;
  (void)mistake(cudaErrorInvalidResourceHandle,
                cat(call, ": made on device ", handle->device, ", used from a thread on device ",
                    current_device(), ": a thread begins on device 0"));
  return false;
}

bool run_piece(CUstream_st& stream) {
  if (stream.queue.empty() || !stream.queue.front().run()) return false;
  stream.queue.pop_front();
  ++stream.done;
  return true;
}

// Of device 0 and the others.
std::map<int, CUstream_st>& default_streams() {
  static std::map<int, CUstream_st> all;
  return all;
}

// A null stream is the default one of this thread's device.
cudaStream_t or_default(cudaStream_t stream) {
  if (stream != nullptr) return stream;
  return &default_streams()
              .try_emplace(current_device(), CUstream_st{.device = current_device()})
              .first->second;
}

bool is_usable_stream(cudaStream_t stream, const char* call) {
  return stream == or_default(nullptr) || is_usable(streams(), stream, call);
}

cudaError_t enqueue_work(cudaStream_t stream, StreamWork work) {
  stream = or_default(stream);
  if (!is_usable_stream(stream, "work for a stream")) return cudaErrorInvalidResourceHandle;
  stream->queue.push_back(std::move(work));
  ++stream->enqueued;
  return cudaSuccess;
}

bool has_come(const CUevent_st& event) {
  const std::set<cudaStream_t> living = all_streams();
  return !living.contains(event.stream) || event.stream->done >= event.enqueued;
}

// As the real one, without a limit: a hang here is one of the caller's.
template <typename IsDone>
void run_until(const IsDone& is_done) {
  while (!is_done()) run_one_piece();
}

}  // namespace

std::set<cudaStream_t>& streams() {
  static std::set<cudaStream_t> living;
  return living;
}

std::set<cudaEvent_t>& events() {
  static std::set<cudaEvent_t> living;
  return living;
}

std::set<cudaStream_t> all_streams() {
  std::set<cudaStream_t> all = streams();
  for (auto& [device, stream] : default_streams()) all.insert(&stream);
  return all;
}

void run_one_piece() {
  for (const cudaStream_t stream : all_streams()) (void)run_piece(*stream);
}

void end_waits_that_are_over() {
  for (const cudaStream_t stream : all_streams()) {
    while (!stream->queue.empty() && stream->queue.front().is_wait && run_piece(*stream)) {
    }
  }
}

cudaError_t enqueue(cudaStream_t stream, std::function<bool()> work) {
  return enqueue_work(stream, {.run = std::move(work), .is_wait = false});
}

}  // namespace sterna::cuda_stand_in

using namespace sterna::cuda_stand_in;

extern "C" {

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  *stream = new CUstream_st{.device = current_device()};
  streams().insert(*stream);
  return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  const std::unique_ptr<CUstream_st> owned(streams().erase(stream) == 1 ? stream : nullptr);
  if (!owned) return mistake(cudaErrorInvalidResourceHandle, "cudaStreamDestroy: no such stream");
  if (owned->queue.empty()) return cudaSuccess;
  return mistake(cudaErrorInvalidValue,
                 sterna::cat("cudaStreamDestroy: ", owned->queue.size(), " works left"));
}

cudaError_t cudaStreamQuery(cudaStream_t stream) {
  stream = or_default(stream);
  if (!is_usable_stream(stream, "cudaStreamQuery")) return cudaErrorInvalidResourceHandle;
  run_one_piece();
  return stream->queue.empty() ? cudaSuccess : cudaErrorNotReady;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  stream = or_default(stream);
  if (!is_usable_stream(stream, "cudaStreamSynchronize")) return cudaErrorInvalidResourceHandle;
  run_until([stream] { return stream->queue.empty(); });
  return cudaSuccess;
}

cudaError_t cudaDeviceSynchronize() {
  run_until([] {
    for (const cudaStream_t stream : all_streams()) {
      if (stream->device == current_device() && !stream->queue.empty()) return false;
    }
    return true;
  });
  return cudaSuccess;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  if (!is_usable(events(), event, "cudaStreamWaitEvent")) return cudaErrorInvalidResourceHandle;
  return enqueue_work(stream, {.run = [awaited = *event] { return has_come(awaited); }, .is_wait = true});
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  *event = new CUevent_st{.device = current_device()};
  events().insert(*event);
  return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  const std::unique_ptr<CUevent_st> owned(events().erase(event) == 1 ? event : nullptr);
  if (!owned) return mistake(cudaErrorInvalidResourceHandle, "cudaEventDestroy: no such event");
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  stream = or_default(stream);
  if (!is_usable(events(), event, "cudaEventRecord") || !is_usable_stream(stream, "cudaEventRecord")) {
    return cudaErrorInvalidResourceHandle;
  }
  event->stream = stream;
  event->enqueued = stream->enqueued;
  return cudaSuccess;
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  if (!is_usable(events(), event, "cudaEventQuery")) return cudaErrorInvalidResourceHandle;
  run_one_piece();
  return has_come(*event) ? cudaSuccess : cudaErrorNotReady;
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  if (!is_usable(events(), event, "cudaEventSynchronize")) return cudaErrorInvalidResourceHandle;
  run_until([event] { return has_come(*event); });
  return cudaSuccess;
}

}  // extern "C"
