// Streams that run when somebody asks, and events.
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
  if (stream.queue.empty() || !stream.queue.front()()) return false;
  stream.queue.pop_front();
  ++stream.done;
  return true;
}

bool has_come(const CUevent_st& event) {
  return !streams().contains(event.stream) || event.stream->done >= event.enqueued;
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

void run_one_piece() {
  for (const cudaStream_t stream : streams()) (void)run_piece(*stream);
}

cudaError_t enqueue(cudaStream_t stream, std::function<bool()> work) {
  if (!is_usable(streams(), stream, "work for a stream")) return cudaErrorInvalidResourceHandle;
  stream->queue.push_back(std::move(work));
  ++stream->enqueued;
  return cudaSuccess;
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
  if (!is_usable(streams(), stream, "cudaStreamQuery")) return cudaErrorInvalidResourceHandle;
  run_one_piece();
  return stream->queue.empty() ? cudaSuccess : cudaErrorNotReady;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  if (!is_usable(streams(), stream, "cudaStreamSynchronize")) return cudaErrorInvalidResourceHandle;
  run_until([stream] { return stream->queue.empty(); });
  return cudaSuccess;
}

cudaError_t cudaDeviceSynchronize() {
  run_until([] {
    for (const cudaStream_t stream : streams()) {
      if (stream->device == current_device() && !stream->queue.empty()) return false;
    }
    return true;
  });
  return cudaSuccess;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  if (!is_usable(events(), event, "cudaStreamWaitEvent")) return cudaErrorInvalidResourceHandle;
  return enqueue(stream, [awaited = *event] { return has_come(awaited); });
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
  if (!is_usable(events(), event, "cudaEventRecord") || !is_usable(streams(), stream, "cudaEventRecord")) {
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
