// The stand-in for the CUDA runtime, in one process: each mistake that it is there to catch.
#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <thread>
#include <vector>

#include "tests/support/cuda/stand_in.h"

namespace sterna::cuda_stand_in {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::size_t kBytes = 64;

class CudaStandIn : public testing::Test {
 protected:
  CudaStandIn() {
    EXPECT_EQ(cudaMalloc(&device, kBytes), cudaSuccess);
    EXPECT_EQ(cudaMallocHost(&pinned, kBytes), cudaSuccess);
    EXPECT_EQ(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
    EXPECT_EQ(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), cudaSuccess);
  }
  ~CudaStandIn() override {
    EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
    EXPECT_EQ(cudaEventDestroy(event), cudaSuccess);
    EXPECT_EQ(cudaStreamDestroy(stream), cudaSuccess);
    EXPECT_EQ(cudaFree(device), cudaSuccess);
    EXPECT_EQ(cudaFreeHost(pinned), cudaSuccess);
    EXPECT_THAT(take_mistakes(), IsEmpty());
    EXPECT_EQ(living().allocations + living().streams + living().events, 0u);
  }

  // What the device's memory holds.
  [[nodiscard]] std::vector<unsigned char> on_device() const {
    std::vector<unsigned char> bytes(kBytes);
    EXPECT_EQ(cudaMemcpy(bytes.data(), device, kBytes, cudaMemcpyDeviceToHost), cudaSuccess);
    return bytes;
  }
  [[nodiscard]] std::span<unsigned char> host() const {
    return {static_cast<unsigned char*>(pinned), kBytes};
  }
  // The kernel of the system refuses to read from there, where a load would end the program.
  void expect_out_of_reach() const {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe(ends.data()), 0);
    EXPECT_EQ(::write(ends[1], device, 1), -1);
    EXPECT_EQ(errno, EFAULT);
    ::close(ends[0]);
    ::close(ends[1]);
  }
  cudaError_t copy_back() { return cudaMemcpyAsync(pinned, device, kBytes, cudaMemcpyDeviceToHost, stream); }

  void* device = nullptr;
  void* pinned = nullptr;
  cudaStream_t stream = nullptr;
  cudaEvent_t event = nullptr;
};

TEST_F(CudaStandIn, ClearsMemoryInAStreamsOrder) {
  EXPECT_EQ(cudaMemsetAsync(device, 3, kBytes / 2, stream), cudaSuccess);
  EXPECT_THAT(on_device(), Each(0xff));
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_EQ(on_device()[kBytes / 2 - 1], 3);
  EXPECT_EQ(on_device()[kBytes / 2], 0xff);
  EXPECT_EQ(cudaMemsetAsync(pinned, 0, kBytes, stream), cudaErrorInvalidValue);
  EXPECT_THAT(take_mistakes(), ElementsAre(HasSubstr("cudaMemsetAsync: not in the device's memory")));
}

// The device's addresses lead to its memory while a kernel runs.
TEST_F(CudaStandIn, RunsKernelsOnTheDevicesMemory) {
  run_on_device_memory([this] { static_cast<unsigned char*>(device)[5] = 7; });
  EXPECT_EQ(on_device()[5], 7);
  EXPECT_EQ(on_device()[6], 0xff);
  EXPECT_THROW(run_on_device_memory([] { throw 1; }), int);
  expect_out_of_reach();
}

TEST_F(CudaStandIn, HasADefaultStream) {
  EXPECT_EQ(cudaMemsetAsync(device, 9, 1, nullptr), cudaSuccess);
  EXPECT_EQ(cudaEventRecord(event, nullptr), cudaSuccess);
  EXPECT_EQ(on_device()[0], 0xff);
  EXPECT_EQ(cudaEventSynchronize(event), cudaSuccess);
  EXPECT_EQ(on_device()[0], 9);
  EXPECT_EQ(cudaStreamQuery(nullptr), cudaSuccess);
}

TEST_F(CudaStandIn, PoisonsDeviceMemory) {
  EXPECT_THAT(on_device(), Each(0xff));
}

TEST_F(CudaStandIn, KeepsTheHostOutOfDeviceMemory) {
  expect_out_of_reach();
}

TEST_F(CudaStandIn, TellsWhereAnAddressLies) {
  int local = 0;
  const auto type_of = [](const void* address) {
    cudaPointerAttributes attributes{};
    EXPECT_EQ(cudaPointerGetAttributes(&attributes, address), cudaSuccess);
    return attributes.type;
  };
  EXPECT_EQ(type_of(static_cast<std::byte*>(device) + kBytes - 1), cudaMemoryTypeDevice);
  EXPECT_EQ(type_of(static_cast<std::byte*>(device) + kBytes), cudaMemoryTypeUnregistered);
  EXPECT_EQ(type_of(pinned), cudaMemoryTypeHost);
  EXPECT_EQ(type_of(&local), cudaMemoryTypeUnregistered);
}

TEST_F(CudaStandIn, RefusesCopiesWhoseKindDoesNotFit) {
  EXPECT_EQ(cudaMemcpy(device, pinned, kBytes, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpy(pinned, device, kBytes, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpy(device, pinned, kBytes, cudaMemcpyDeviceToDevice), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpy(device, pinned, kBytes + 1, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT_THAT(take_mistakes(), Each(HasSubstr("the kind does not fit")));
}

TEST_F(CudaStandIn, RefusesAsynchronousCopiesOfMemoryThatIsNotPinned) {
  std::vector<std::byte> pageable(kBytes);
  EXPECT_EQ(cudaMemcpyAsync(pageable.data(), device, kBytes, cudaMemcpyDeviceToHost, stream),
            cudaErrorInvalidValue);
  EXPECT_THAT(take_mistakes(), ElementsAre(HasSubstr("not pinned")));
}

// Who reads without having waited reads what was there before.
TEST_F(CudaStandIn, CopiesNothingBeforeSomebodyWaits) {
  std::ranges::fill(host(), 7);
  ASSERT_EQ(cudaMemcpyAsync(device, pinned, kBytes, cudaMemcpyHostToDevice, stream), cudaSuccess);
  EXPECT_THAT(on_device(), Each(0xff));
  ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_THAT(on_device(), Each(7));
}

// The source must stay as it is until the copy has run.
TEST_F(CudaStandIn, CopiesWhatIsThereWhenTheStreamComesToIt) {
  std::ranges::fill(host(), 7);
  ASSERT_EQ(cudaMemcpyAsync(device, pinned, kBytes, cudaMemcpyHostToDevice, stream), cudaSuccess);
  std::ranges::fill(host(), 8);
  ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_THAT(on_device(), Each(8));
}

TEST_F(CudaStandIn, RunsOnePieceForEachQuestion) {
  ASSERT_EQ(copy_back(), cudaSuccess);
  ASSERT_EQ(copy_back(), cudaSuccess);
  ASSERT_EQ(cudaEventRecord(event, stream), cudaSuccess);
  EXPECT_EQ(cudaEventQuery(event), cudaErrorNotReady);
  EXPECT_EQ(cudaEventQuery(event), cudaSuccess);
  EXPECT_EQ(cudaStreamQuery(stream), cudaSuccess);
}

// An event knows nothing of what is enqueued after it was recorded.
TEST_F(CudaStandIn, HasEventsThatStandWhereTheyWereRecorded) {
  std::ranges::fill(host(), 7);
  ASSERT_EQ(cudaEventRecord(event, stream), cudaSuccess);
  ASSERT_EQ(copy_back(), cudaSuccess);
  EXPECT_EQ(cudaEventSynchronize(event), cudaSuccess);
  EXPECT_THAT(host(), Each(7));
}

TEST_F(CudaStandIn, LetsAStreamWaitForAnother) {
  cudaStream_t other = nullptr;
  ASSERT_EQ(cudaStreamCreateWithFlags(&other, cudaStreamNonBlocking), cudaSuccess);
  bool may_run = false;
  ASSERT_EQ(enqueue(stream, [&] { return may_run; }), cudaSuccess);
  ASSERT_EQ(cudaEventRecord(event, stream), cudaSuccess);
  ASSERT_EQ(cudaStreamWaitEvent(other, event, 0), cudaSuccess);
  for (int question = 0; question < 5; ++question) EXPECT_EQ(cudaStreamQuery(other), cudaErrorNotReady);
  may_run = true;
  EXPECT_EQ(cudaStreamSynchronize(other), cudaSuccess);
  EXPECT_EQ(cudaStreamDestroy(other), cudaSuccess);
}

TEST_F(CudaStandIn, RefusesAStreamThatIsDestroyedWithWork) {
  cudaStream_t other = nullptr;
  ASSERT_EQ(cudaStreamCreateWithFlags(&other, cudaStreamNonBlocking), cudaSuccess);
  ASSERT_EQ(enqueue(other, [] { return true; }), cudaSuccess);
  EXPECT_EQ(cudaStreamDestroy(other), cudaErrorInvalidValue);
  EXPECT_THAT(take_mistakes(), ElementsAre(HasSubstr("1 works left")));
}

// A thread that has not said which device it means has device 0.
TEST_F(CudaStandIn, RefusesAStreamOfAnotherDevice) {
  ASSERT_EQ(cudaSetDevice(1), cudaSuccess);
  EXPECT_EQ(copy_back(), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaEventRecord(event, stream), cudaErrorInvalidResourceHandle);
  std::thread([&] { EXPECT_EQ(copy_back(), cudaSuccess); }).join();
  ASSERT_EQ(cudaSetDevice(0), cudaSuccess);
  EXPECT_THAT(take_mistakes(), Each(HasSubstr("made on device 0, used from a thread on device 1")));
}

TEST_F(CudaStandIn, RefusesADeviceThatIsNotThere) {
  EXPECT_EQ(cudaSetDevice(8), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaSetDevice(-1), cudaErrorInvalidDevice);
  EXPECT_EQ(take_mistakes().size(), 2u);
}

// The real one waits for the stream, which may wait for a rank that is gone.
TEST_F(CudaStandIn, RefusesToFreeUnderWork) {
  void* other = nullptr;
  ASSERT_EQ(cudaMalloc(&other, kBytes), cudaSuccess);
  ASSERT_EQ(cudaMemcpyAsync(pinned, other, kBytes, cudaMemcpyDeviceToHost, stream), cudaSuccess);
  EXPECT_EQ(cudaFree(other), cudaSuccess);
  EXPECT_THAT(take_mistakes(), ElementsAre(HasSubstr("cudaFree: waits, without a limit")));
  ASSERT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_THAT(take_mistakes(), ElementsAre(HasSubstr("freed before the copy ran")));
}

TEST_F(CudaStandIn, RefusesToFreeTwiceOrTheOtherKind) {
  void* other = nullptr;
  ASSERT_EQ(cudaMalloc(&other, kBytes), cudaSuccess);
  EXPECT_EQ(cudaFreeHost(other), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFree(other), cudaSuccess);
  EXPECT_EQ(cudaFree(other), cudaErrorInvalidValue);
  EXPECT_THAT(take_mistakes(),
              ElementsAre(HasSubstr("cudaFreeHost: no such"), HasSubstr("cudaFree: no such")));
  EXPECT_EQ(cudaFree(nullptr), cudaSuccess);
}

TEST_F(CudaStandIn, SeesKernelsThatLeaveTheirMemory) {
  EXPECT_NE(behind(device, kBytes), nullptr);
  EXPECT_EQ(behind(device, kBytes + 1), nullptr);
  EXPECT_EQ(behind(pinned, kBytes), nullptr);
  EXPECT_EQ(take_mistakes().size(), 2u);
}

TEST_F(CudaStandIn, KnowsWhatIsStillThere) {
  const Living now = living();
  EXPECT_EQ(now.allocations, 2u);  // the fixture's
  EXPECT_EQ(now.streams, 1u);
  EXPECT_EQ(now.events, 1u);
}

// A caller that looks at the count alone sees what it has put there itself.
TEST_F(CudaStandIn, IsAMachineWithoutAGpu) {
  int count = 17;
  set_devices(0, cudaErrorInsufficientDriver);
  EXPECT_EQ(cudaGetDeviceCount(&count), cudaErrorInsufficientDriver);
  EXPECT_EQ(count, 17);
  set_devices(3);
  EXPECT_EQ(cudaGetDeviceCount(&count), cudaSuccess);
  EXPECT_EQ(count, 3);
  set_devices(8);
}

}  // namespace
}  // namespace sterna::cuda_stand_in
