// What all operations on one stream share: the stream itself, the libraries' handles on it, and copies to and
// from the host.
#pragma once

#include <span>

#include "runtime/tensor/cuda/launches.h"
#include "runtime/tensor/cuda/libraries.h"

namespace sterna::tensor::cuda {

class DeviceStream {
 public:
  // On this thread's current device. Throws what Libraries throws.
  DeviceStream();

  [[nodiscard]] cudaStream_t stream() const { return stream_.get(); }
  [[nodiscard]] Launcher& launch() { return launch_; }
  [[nodiscard]] const Libraries& libraries() const { return libraries_; }

  // What sums over rows need; each overwrites it.
  [[nodiscard]] std::span<float> partials() const { return partials_.all(); }

  template <typename Element>
  [[nodiscard]] DeviceArray<Element> array(std::size_t elements) const {
    return DeviceArray<Element>(elements, stream_.get());
  }

  // In the order of the stream; both return when they are done. Any memory of the host will do.
  void copy_from_host(std::span<const std::byte> host, std::byte* to);
  void copy_to_host(const std::byte* from, std::span<std::byte> host);
  template <typename Element>
  void copy_to_host(std::span<const Element> from, std::span<Element> host) {
    copy_to_host(reinterpret_cast<const std::byte*>(from.data()), std::as_writable_bytes(host));
  }

  // Throws CommError, also of what was enqueued before.
  void wait() const;

 private:
  Stream stream_;
  Launcher launch_;
  Libraries libraries_;
  DeviceArray<float> partials_;
  PinnedBytes staging_;
};

}  // namespace sterna::tensor::cuda
