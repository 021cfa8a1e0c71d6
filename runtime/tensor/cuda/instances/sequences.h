#pragma once

#include "runtime/tensor/cuda/instances/extents.h"
#include "runtime/tensor/cuda/kernels/attention.h"
#include "runtime/tensor/cuda/kernels/lstm.h"
#include "runtime/tensor/cuda/kernels/softmax_cross_entropy.h"

namespace sterna::tensor::cuda {

void enqueue_lstm_forward(Launcher& launch, const LstmStep& step, const LstmCellsForward& cells) {
  launch(LstmForward{}, list_blocks(step.sequences * step.units), cells, checked_extent(step.sequences),
         checked_extent(step.units));
}

void enqueue_lstm_backward(Launcher& launch, const LstmStep& step, const LstmCellsBackward& cells) {
  STERNA_CHECK(cells.output_gradient_stride >= step.units);
  launch(LstmBackward{}, list_blocks(step.sequences * step.units), cells, checked_extent(step.sequences),
         checked_extent(step.units));
}

void enqueue_attention(Launcher& launch, const AttentionRows& rows, float* scores, float* log_sums) {
  launch(AttentionForward{}, ceil_div(rows.rows, kBlockWarps), rows, scores, log_sums);
}

void enqueue_attention_backward(Launcher& launch, const AttentionRows& rows, const float* log_sums,
                                float* scores, float* gradients) {
  launch(AttentionBackward{}, ceil_div(rows.rows, kBlockWarps), rows, log_sums, scores, gradients);
}

void enqueue_row_scores(Launcher& launch, const LossExtents& extents, const CrossEntropyOptions& options,
                        const float* logits, const std::int32_t* labels, const RowScores& scores,
                        float* gradient) {
  launch(ScoreRows{}, ceil_div(extents.rows, kBlockWarps), logits, labels, extents, options.weight,
         options.label_smoothing, scores, gradient);
}

void enqueue_top5(Launcher& launch, const LossExtents& extents, const float* logits,
                  const std::int32_t* labels, const double* losses, std::uint32_t* is_in_top5) {
  launch(FindTop5{}, ceil_div(extents.rows, kBlockWarps), logits, labels, extents, losses, is_in_top5);
}

}  // namespace sterna::tensor::cuda
