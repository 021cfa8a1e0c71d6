#include "runtime/device_choice.h"

#include <algorithm>
#include <vector>

#include "runtime/collectives/agreement.h"
#include "runtime/collectives/collectives.h"
#include "runtime/collectives/make_communicator.h"
#include "runtime/core/errors.h"
#include "runtime/tensor/cuda/cuda_operations.h"

namespace sterna {
std::string why_not_between_gpus(const TrainConfig& c) {
  const auto refused = [](const auto& setting, std::string_view legal, std::string_view why) {
    return cat("[train] ", setting, " with device = cuda and transport = nccl: must be ", legal, ", as ", why,
               "; or use --transport mpi, or --device cpu");
  };
  const char* const kStays = "gradients stay in the memory of GPUs";
  if (c.compressor == kAutoCompressor) {
    return refused("compressor = auto", "a compressor's name",
                   "methods do not change from step to step there");
  }
  if (c.gather != "all") return refused("gather = " + c.gather, "all", "owners sum in the host's memory");
  if (c.hierarchy == "host") return refused("hierarchy = host", "auto or flat", "NCCL knows the hosts");
  if (c.error_feedback != "on") return refused("error-feedback = off", "on", "residues stay there");
  if (c.drop_residues_at > 0) {
    return refused(cat("drop-residues-at = ", c.drop_residues_at), "0", "residues stay there");
  }
  if (c.log_layers > 0) return refused(cat("log-layers = ", c.log_layers), "0", kStays);
  if (c.log_diagnostics > 0) return refused(cat("log-diagnostics = ", c.log_diagnostics), "0", kStays);
  if (!c.record_gradients.empty()) {
    return refused("record-gradients = " + c.record_gradients, "left out", kStays);
  }
  return "";
}

std::string agree_on_device(const TrainConfig& config, collectives::Communicator& comm) {
  if (config.device == "cpu") return config.device;
  const bool is_between_gpus = comm.name() == collectives::kNcclName;
  const std::string why_not = is_between_gpus ? why_not_between_gpus(config) : "";
  if (config.device == "cuda") {
    collectives::agree(comm, why_not);
    return config.device;
  }
  if (!is_between_gpus || !why_not.empty()) return "cpu";
  const std::vector<std::string> by_rank =
      collectives::all_gather_text(comm, tensor::cuda::why_no_cuda_operations());
  return std::ranges::all_of(by_rank, &std::string::empty) ? "cuda" : "cpu";
}

std::unique_ptr<tensor::Operations> make_device(const std::string& device, collectives::Communicator& comm) {
  if (device != "cuda") return nullptr;
  const int gpu = gpu_of_rank(comm);
  if (const std::string why_not = tensor::cuda::why_no_cuda_operations(); !why_not.empty()) {
    throw ConfigError(cat("[train] device = cuda: ", why_not, "; use --device cpu"));
  }
  return tensor::cuda::make_cuda_operations(gpu);
}

}  // namespace sterna
