#include "runtime/tensor/matrix_product.h"

#include <dnnl.h>

#include "runtime/core/errors.h"

namespace sterna::tensor {

void multiply_by_onednn(const ProductExtents& extents, const Factor& a, const Factor& b, float* output) {
  const auto turned = [](const Factor& factor) { return factor.is_transposed ? 'T' : 'N'; };
  const auto dim = [](std::size_t extent) { return static_cast<dnnl_dim_t>(extent); };
  const dnnl_status_t status =
      dnnl_sgemm(turned(a), turned(b), dim(extents.rows), dim(extents.columns), dim(extents.inner), 1.0f,
                 a.data, dim(a.stride), b.data, dim(b.stride), 0.0f, output, dim(extents.columns));
  STERNA_CHECK(status == dnnl_success);
}

}  // namespace sterna::tensor
