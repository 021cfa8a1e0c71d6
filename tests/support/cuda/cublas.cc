// cuBLAS's products of matrices, by OpenBLAS, as work of the handle's stream.
#include <cblas.h>

#include <memory>
#include <set>

#include "runtime/core/errors.h"
#include "runtime/tensor/cuda/api.h"
#include "tests/support/cuda/stand_in.h"
#include "tests/support/cuda/state.h"

// The library's own name, declared in its header.
struct cublasContext {
  cudaStream_t stream = nullptr;
  cublasMath_t math = CUBLAS_DEFAULT_MATH;
};

namespace sterna::cuda_stand_in {
namespace {

std::set<cublasHandle_t>& handles() {
  static std::set<cublasHandle_t> living;
  return living;
}

cublasStatus_t wrong(cublasStatus_t code, const std::string& what) {
  (void)mistake(cudaErrorInvalidValue, "cuBLAS: " + what);
  return code;
}

// A column-major matrix of the device, or one of each product of a batch.
struct Matrix {
  const float* data;
  int rows, columns;
  int leading;       // elements from column to column
  long long stride;  // elements from matrix to matrix
  const char* name;
  CBLAS_TRANSPOSE turned = CblasNoTrans;

  // From the first element to behind the last one.
  [[nodiscard]] std::size_t bytes(int batches) const {
    if (rows == 0 || columns == 0) return 0;
    const std::size_t of_one = static_cast<std::size_t>(columns - 1) * static_cast<std::size_t>(leading) +
                               static_cast<std::size_t>(rows);
    return (static_cast<std::size_t>(batches - 1) * static_cast<std::size_t>(stride) + of_one) *
           sizeof(float);
  }
};

struct Gemm {
  int m, n, k;
  float alpha, beta;
  Matrix a, b, c;
  int batches;
};

CBLAS_TRANSPOSE turn_of(cublasOperation_t operation) {
  return operation == CUBLAS_OP_N ? CblasNoTrans : CblasTrans;
}

Matrix operand(cublasOperation_t operation, const float* data, int rows, int columns, int leading,
               long long stride, const char* name) {
  const bool is_turned = operation != CUBLAS_OP_N;
  return {.data = data,
          .rows = is_turned ? columns : rows,
          .columns = is_turned ? rows : columns,
          .leading = leading,
          .stride = stride,
          .name = name,
          .turned = turn_of(operation)};
}

// What is wrong with a product; empty if nothing is.
std::string fault_of(const Gemm& gemm) {
  if (gemm.m < 0 || gemm.n < 0 || gemm.k < 0 || gemm.batches < 0) return "an extent below 0";
  for (const Matrix& matrix : {gemm.a, gemm.b, gemm.c}) {
    if (matrix.leading < std::max(1, matrix.rows)) {
      return cat("the leading dimension of ", matrix.name, " is ", matrix.leading, ", with ", matrix.rows,
                 " rows");
    }
    if (!is_device_memory(matrix.data, matrix.bytes(gemm.batches))) {
      return cat(matrix.name, " is not in the device's memory");
    }
  }
  if (gemm.batches > 1 && gemm.c.stride < static_cast<long long>(gemm.c.leading) * (gemm.n - 1) + gemm.m &&
      gemm.c.stride < gemm.m) {
    return "results of a batch overlap";
  }
  return "";
}

void run(const Gemm& gemm) {
  const auto behind_matrix = [&](const Matrix& matrix) {
    return reinterpret_cast<float*>(behind(matrix.data, matrix.bytes(gemm.batches)));
  };
  const float* const a = behind_matrix(gemm.a);
  const float* const b = behind_matrix(gemm.b);
  float* const c = behind_matrix(gemm.c);
  if (a == nullptr || b == nullptr || c == nullptr) return;
  for (int i = 0; i < gemm.batches; ++i) {
    cblas_sgemm(CblasColMajor, gemm.a.turned, gemm.b.turned, gemm.m, gemm.n, gemm.k, gemm.alpha,
                a + i * gemm.a.stride, gemm.a.leading, b + i * gemm.b.stride, gemm.b.leading, gemm.beta,
                c + i * gemm.c.stride, gemm.c.leading);
  }
}

cublasStatus_t multiply(cublasHandle_t handle, const Gemm& gemm, const char* call) {
  if (!handles().contains(handle)) return wrong(CUBLAS_STATUS_NOT_INITIALIZED, cat(call, ": no handle"));
  const std::string fault = fault_of(gemm);
  if (!fault.empty()) return wrong(CUBLAS_STATUS_INVALID_VALUE, cat(call, ": ", fault));
  if ((handle->math & CUBLAS_TF32_TENSOR_OP_MATH) == CUBLAS_TF32_TENSOR_OP_MATH) {
    return wrong(CUBLAS_STATUS_NOT_SUPPORTED, cat(call, ": factors would be rounded to TF32"));
  }
  if (gemm.m == 0 || gemm.n == 0 || gemm.batches == 0) return CUBLAS_STATUS_SUCCESS;
  const cudaError_t error = enqueue(handle->stream, [gemm] {
    run(gemm);
    return true;
  });
  return error == cudaSuccess ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
}

// A factor is read by the host when it is called.
bool is_on_host(const float* factor) {
  return factor != nullptr && !is_device_memory(factor, sizeof *factor);
}

cublasStatus_t create(cublasHandle_t* handle) {
  *handle = new cublasContext;
  handles().insert(*handle);
  ++living_library_objects();
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t destroy(cublasHandle_t handle) {
  const std::unique_ptr<cublasContext> owned(handles().erase(handle) == 1 ? handle : nullptr);
  if (!owned) return wrong(CUBLAS_STATUS_NOT_INITIALIZED, "cublasDestroy: no handle");
  --living_library_objects();
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t get_property(libraryPropertyType type, int* value) {
  *value = type == MAJOR_VERSION   ? CUBLAS_VER_MAJOR
           : type == MINOR_VERSION ? CUBLAS_VER_MINOR
                                   : CUBLAS_VER_PATCH;
  return CUBLAS_STATUS_SUCCESS;
}

const char* get_status_string(cublasStatus_t code) {
  return code == CUBLAS_STATUS_SUCCESS ? "success"
         : code == CUBLAS_STATUS_INVALID_VALUE
             ? "an unsupported value or parameter was passed to the function"
             : "the operation failed";
}

cublasStatus_t set_math_mode(cublasHandle_t handle, cublasMath_t math) {
  if (!handles().contains(handle))
    return wrong(CUBLAS_STATUS_NOT_INITIALIZED, "cublasSetMathMode: no handle");
  handle->math = math;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t set_stream(cublasHandle_t handle, cudaStream_t stream) {
  if (!handles().contains(handle)) return wrong(CUBLAS_STATUS_NOT_INITIALIZED, "cublasSetStream: no handle");
  handle->stream = stream;
  return CUBLAS_STATUS_SUCCESS;
}

// Sets the stream's workspace, which setting a stream takes away again.
cublasStatus_t set_workspace(cublasHandle_t handle, void* workspace, std::size_t bytes) {
  if (!handles().contains(handle))
    return wrong(CUBLAS_STATUS_NOT_INITIALIZED, "cublasSetWorkspace: no handle");
  if (is_device_memory(workspace, bytes)) return CUBLAS_STATUS_SUCCESS;
  return wrong(CUBLAS_STATUS_INVALID_VALUE, "cublasSetWorkspace: not in the device's memory");
}

cublasStatus_t sgemm_strided_batched(cublasHandle_t handle, cublasOperation_t turn_a,
                                     cublasOperation_t turn_b, int m, int n, int k, const float* alpha,
                                     const float* a, int lda, long long stride_a, const float* b, int ldb,
                                     long long stride_b, const float* beta, float* c, int ldc,
                                     long long stride_c, int batches) {
  if (!is_on_host(alpha) || !is_on_host(beta)) {
    return wrong(CUBLAS_STATUS_INVALID_VALUE, "a factor is not in the host's memory");
  }
  return multiply(handle,
                  {.m = m,
                   .n = n,
                   .k = k,
                   .alpha = *alpha,
                   .beta = *beta,
                   .a = operand(turn_a, a, m, k, lda, stride_a, "A"),
                   .b = operand(turn_b, b, k, n, ldb, stride_b, "B"),
                   .c = operand(CUBLAS_OP_N, c, m, n, ldc, stride_c, "C"),
                   .batches = batches},
                  "cublasSgemmStridedBatched");
}

cublasStatus_t sgemm(cublasHandle_t handle, cublasOperation_t turn_a, cublasOperation_t turn_b, int m, int n,
                     int k, const float* alpha, const float* a, int lda, const float* b, int ldb,
                     const float* beta, float* c, int ldc) {
  return sgemm_strided_batched(handle, turn_a, turn_b, m, n, k, alpha, a, lda, 0, b, ldb, 0, beta, c, ldc, 0,
                               1);
}

}  // namespace
}  // namespace sterna::cuda_stand_in

namespace sterna::tensor::cuda {

// In the place of the library's own functions.
const CublasApi& cublas_api() {
  namespace stand_in = cuda_stand_in;
  static constexpr CublasApi api{.create = stand_in::create,
                                 .destroy = stand_in::destroy,
                                 .get_property = stand_in::get_property,
                                 .get_status_string = stand_in::get_status_string,
                                 .set_math_mode = stand_in::set_math_mode,
                                 .set_stream = stand_in::set_stream,
                                 .set_workspace = stand_in::set_workspace,
                                 .sgemm = stand_in::sgemm,
                                 .sgemm_strided_batched = stand_in::sgemm_strided_batched};
  return api;
}

}  // namespace sterna::tensor::cuda
