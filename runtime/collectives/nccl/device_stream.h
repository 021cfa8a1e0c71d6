// The stream on which a communicator over NCCL does all that it does, for others who enqueue work between its
// blocks: what stands there runs in the order in which it was enqueued.
#pragma once

#include <cuda_runtime_api.h>

#include "runtime/collectives/communicator.h"

namespace sterna::collectives {

class DeviceStream {
 public:
  virtual ~DeviceStream() = default;

  [[nodiscard]] virtual int device() const = 0;  // as CUDA counts
  [[nodiscard]] virtual cudaStream_t stream() const = 0;

  // Makes the device this thread's current one: threads have one each. Throws CommError where the
  // communicator has failed or been abandoned.
  virtual void enter() = 0;

  // Returns when the device has done all that has been enqueued until now. Looks after NCCL's errors and the
  // communicator's time limit meanwhile. Throws CommError, which names the blocks that nobody has waited for.
  virtual void settle() = 0;
};

// Of a communicator that make_nccl() made; of any other: InternalError.
[[nodiscard]] DeviceStream& device_stream_of(Communicator& comm);

}  // namespace sterna::collectives
