// What --device means for a run, and for this rank.
#pragma once

#include <memory>
#include <string>

#include "runtime/collectives/communicator.h"
#include "runtime/config.h"
#include "runtime/tensor/operations.h"

namespace sterna {

// What of this does not work where gradients are exchanged in the memory of GPUs, as a message that says what
// is legal; empty if there is nothing.
[[nodiscard]] std::string why_not_between_gpus(const TrainConfig& config);

// "cpu" or "cuda", the same on every rank; auto is cuda where the ranks speak NCCL, and so have a GPU each,
// this build and the libraries of every rank can compute there, and nothing is asked for that does not work
// there. Collective. Throws AgreedConfigError where cuda is asked for with what does not work there.
[[nodiscard]] std::string agree_on_device(const TrainConfig& config, collectives::Communicator& comm);

// The operations of this rank's device; null for the host's processor. Over NCCL the GPU is the
// communicator's, else the ranks of a host take its GPUs in turn.
//   device  as agree_on_device() has settled it
// Throws ConfigError where there is none.
[[nodiscard]] std::unique_ptr<tensor::Operations> make_device(const std::string& device,
                                                              collectives::Communicator& comm);

// As CUDA counts. Throws ConfigError where this rank sees none.
[[nodiscard]] int gpu_of_rank(collectives::Communicator& comm);

}  // namespace sterna
