// The stand-ins for cuBLAS and cuDNN: each mistake that they are there to catch.
#include <gmock/gmock.h>

#include "runtime/tensor/cuda/convolution_algorithms.h"
#include "runtime/tensor/cuda/device_stream.h"
#include "tests/support/cuda/stand_in.h"

namespace sterna::tensor::cuda {
namespace {

using cuda_stand_in::take_mistakes;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr float kOne = 1.0f;
constexpr float kZero = 0.0f;

class LibraryStandIn : public testing::Test {
 protected:
  ~LibraryStandIn() override { EXPECT_THAT(take_mistakes(), IsEmpty()); }

  // C [2, 3] = A [2, 4] B [4, 3], column-major.
  cublasStatus_t multiply(const float* a, int leading, const float* alpha = &kOne) {
    return cublas_api().sgemm(stream_.libraries().cublas(), CUBLAS_OP_N, CUBLAS_OP_N, 2, 3, 4, alpha, a,
                              leading, b_.data(), 4, &kZero, c_.data(), 2);
  }

  DeviceStream stream_;
  DeviceArray<float> a_ = stream_.array<float>(8);
  DeviceArray<float> b_ = stream_.array<float>(12);
  DeviceArray<float> c_ = stream_.array<float>(6);
};

TEST_F(LibraryStandIn, MultipliesWhenTheStreamComesToIt) {
  // A = 1 2 3 4 / 5 6 7 8, B = 1 in its first column, 2 in the second, 0 in the third.
  const std::vector<float> a = {1, 5, 2, 6, 3, 7, 4, 8};
  const std::vector<float> b = {1, 1, 1, 1, 2, 2, 2, 2, 0, 0, 0, 0};
  stream_.copy_from_host(std::as_bytes(std::span(a)), reinterpret_cast<std::byte*>(a_.data()));
  stream_.copy_from_host(std::as_bytes(std::span(b)), reinterpret_cast<std::byte*>(b_.data()));
  ASSERT_EQ(multiply(a_.data(), 2), CUBLAS_STATUS_SUCCESS);
  std::vector<float> c(6);
  stream_.copy_to_host(std::span<const float>(c_.all()), std::span(c));
  EXPECT_THAT(c, ElementsAre(10, 26, 20, 52, 0, 0));
}

TEST_F(LibraryStandIn, RefusesMemoryOfTheHost) {
  const std::vector<float> host(8);
  EXPECT_EQ(multiply(host.data(), 2), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(multiply(a_.data(), 2, a_.data()), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_THAT(take_mistakes(), ElementsAre(HasSubstr("A is not in the device's memory"),
                                           HasSubstr("a factor is not in the host's memory")));
}

TEST_F(LibraryStandIn, RefusesLeadingDimensionsThatDoNotFit) {
  EXPECT_EQ(multiply(a_.data(), 1), CUBLAS_STATUS_INVALID_VALUE);
  EXPECT_EQ(multiply(a_.data(), 3), CUBLAS_STATUS_INVALID_VALUE);  // its last column lies behind the end
  EXPECT_THAT(take_mistakes(), ElementsAre(HasSubstr("the leading dimension of A is 1, with 2 rows"),
                                           HasSubstr("A is not in the device's memory")));
}

TEST_F(LibraryStandIn, RefusesProductsThatRoundToTf32) {
  ASSERT_EQ(cublas_api().set_math_mode(stream_.libraries().cublas(), CUBLAS_TF32_TENSOR_OP_MATH),
            CUBLAS_STATUS_SUCCESS);
  EXPECT_EQ(multiply(a_.data(), 2), CUBLAS_STATUS_NOT_SUPPORTED);
  EXPECT_THAT(take_mistakes(), ElementsAre(HasSubstr("TF32")));
}

// Images [1, 2, 3, 3], weights [4, 2, 3, 3], output [1, 4, 1, 1].
class ConvolutionStandIn : public LibraryStandIn {
 protected:
  cudnnStatus_t convolve(const ConvolutionDescription& output_of, cudnnConvolutionFwdAlgo_t algorithm,
                         std::size_t workspace_bytes, void* workspace) {
    return cudnn_api().convolution_forward(stream_.libraries().cudnn(), &kOne, description_.input(),
                                           input_.data(), description_.weights(), weights_.data(),
                                           description_.convolution(), algorithm, workspace, workspace_bytes,
                                           &kZero, output_of.output(), output_.data());
  }

  ConvolutionDescription description_{{1, 2, 3, 3}, {.outputs = 4, .kernel = 3}};
  Chosen<cudnnConvolutionFwdAlgo_t> chosen_ = choose_forward(stream_.libraries().cudnn(), description_);
  DeviceArray<float> input_ = stream_.array<float>(18);
  DeviceArray<float> weights_ = stream_.array<float>(72);
  DeviceArray<float> output_ = stream_.array<float>(4);
  DeviceArray<std::byte> workspace_ = stream_.array<std::byte>(chosen_.workspace_bytes);
};

TEST_F(ConvolutionStandIn, RefusesAlgorithmsThatDifferEachTimeOrRoundOtherwise) {
  for (const auto algorithm : {CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD, CUDNN_CONVOLUTION_FWD_ALGO_FFT,
                               CUDNN_CONVOLUTION_FWD_ALGO_GEMM}) {
    EXPECT_EQ(convolve(description_, algorithm, chosen_.workspace_bytes, workspace_.data()),
              CUDNN_STATUS_BAD_PARAM);
    EXPECT_THAT(take_mistakes(), ElementsAre(HasSubstr("an algorithm that does not do this convolution")));
  }
  EXPECT_EQ(convolve(description_, chosen_.algorithm, chosen_.workspace_bytes, workspace_.data()),
            CUDNN_STATUS_SUCCESS);
}

// As a library may, the stand-in does groups with another algorithm than the rest.
TEST_F(ConvolutionStandIn, IsAskedForAnotherAlgorithmWhereTheFirstDoesNotDo) {
  const ConvolutionDescription grouped({1, 2, 3, 3}, {.outputs = 4, .kernel = 3, .groups = 2});
  EXPECT_NE(choose_forward(stream_.libraries().cudnn(), grouped).algorithm, chosen_.algorithm);
}

TEST_F(ConvolutionStandIn, RefusesDescriptorsThatDoNotFit) {
  const ConvolutionDescription other({1, 2, 4, 3}, {.outputs = 4, .kernel = 3});
  EXPECT_EQ(convolve(other, chosen_.algorithm, chosen_.workspace_bytes, workspace_.data()),
            CUDNN_STATUS_BAD_PARAM);
  EXPECT_THAT(take_mistakes(), ElementsAre(HasSubstr("descriptors do not fit together")));
}

TEST_F(ConvolutionStandIn, RefusesAWorkspaceThatIsTooShortOrTheHosts) {
  std::vector<std::byte> host(chosen_.workspace_bytes);
  EXPECT_EQ(convolve(description_, chosen_.algorithm, chosen_.workspace_bytes - 1, workspace_.data()),
            CUDNN_STATUS_BAD_PARAM);
  EXPECT_EQ(convolve(description_, chosen_.algorithm, chosen_.workspace_bytes, host.data()),
            CUDNN_STATUS_BAD_PARAM);
  EXPECT_THAT(take_mistakes(), ElementsAre(HasSubstr("the workspace is too short"),
                                           HasSubstr("the workspace is not in the device's memory")));
}

TEST_F(ConvolutionStandIn, RefusesToRoundToTf32) {
  ASSERT_EQ(cudnn_api().set_convolution_math(description_.convolution(), CUDNN_DEFAULT_MATH),
            CUDNN_STATUS_SUCCESS);
  EXPECT_EQ(convolve(description_, chosen_.algorithm, chosen_.workspace_bytes, workspace_.data()),
            CUDNN_STATUS_BAD_PARAM);
  EXPECT_THAT(take_mistakes(), ElementsAre(HasSubstr("TF32")));
}

}  // namespace
}  // namespace sterna::tensor::cuda
