// What the operations make: each keeps a reference to the stream, which outlives it, and its own memory. See
// ../operations.h for what they are.
#pragma once

#include <memory>

#include "runtime/tensor/arena.h"
#include "runtime/tensor/cuda/device_stream.h"

namespace sterna::tensor::cuda {

[[nodiscard]] std::unique_ptr<Products> make_fully_connected_products(const TensorForm& input,
                                                                      const FullyConnectedShape& shape,
                                                                      DeviceStream& stream);
[[nodiscard]] std::unique_ptr<Products> make_convolution_products(const TensorForm& input,
                                                                  const ConvolutionShape& shape, Arena& arena,
                                                                  DeviceStream& stream);
[[nodiscard]] std::unique_ptr<Pooling> make_max_pooling(const TensorForm& input, const PoolingShape& shape,
                                                        DeviceStream& stream);
[[nodiscard]] std::unique_ptr<Pooling> make_average_pooling(const TensorForm& input,
                                                            const AveragePoolingShape& shape,
                                                            DeviceStream& stream);
[[nodiscard]] std::unique_ptr<ChannelNormalisation> make_channel_normalisation(const TensorForm& form,
                                                                               double epsilon,
                                                                               kernels::Clamp clamp,
                                                                               DeviceStream& stream);
[[nodiscard]] std::unique_ptr<KeepMask> make_keep_mask(std::size_t elements, DeviceStream& stream);
[[nodiscard]] std::unique_ptr<CrossEntropy> make_cross_entropy(std::size_t rows, std::size_t classes,
                                                               DeviceStream& stream);

// Scores are in memory for as many samples at a time as fit into so many bytes, but for one at least.
inline constexpr std::size_t kScoreBytes = std::size_t{256} << 20;
[[nodiscard]] std::unique_ptr<DotProductAttention> make_attention(const AttentionShape& shape, Arena& arena,
                                                                  DeviceStream& stream,
                                                                  std::size_t score_bytes = kScoreBytes);

}  // namespace sterna::tensor::cuda
