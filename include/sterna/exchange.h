// Sterna's exchange for somebody's own training loop: hand over the gradients of this process, and get the
// mean over all learners back, by way of the compressor, the wire and the collectives that `sterna train`
// uses. The same gradients give the same bits as there.
//
//   sterna::World world;  // the ranks of `mpirun -np P`, or this process alone
//   sterna::Exchange exchange(world,
//                             {{.name = "weight", .elements = 7840},
//                              {.name = "bias", .elements = 10, .kind = sterna::ParameterKind::kBias}},
//                             {.compressor = "adacomp"});
//   while (...) {
//     ...                                                         // forward, backward
//     exchange.reduce_to_mean({weight_gradient, bias_gradient});  // each a std::vector<float>, say
//     ...                                                         // update, the same on every rank
//   }
//
// A learner is one of the L data-parallel workers of the algorithm; a rank is a process, and hosts L / P of
// them, usually one. What is called collective is called by every rank, in the same order, or ranks wait for
// each other until a time limit ends the wait. One thread at a time may be in any of these functions; where
// MPI was initialised with less than MPI_THREAD_SERIALIZED, it is the thread that did so.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sterna/api.h"
#include "sterna/errors.h"

namespace sterna {

// How long another rank may keep this one waiting, unless World is told otherwise.
inline constexpr std::chrono::seconds kDefaultTimeLimit{300};

// This process among the ranks of its job.
class STERNA_API World {
 public:
  // Takes all ranks of MPI_COMM_WORLD, of which it makes a duplicate, if MPI is running in this process;
  // else, if a launcher (mpirun, srun) started the process, initialises MPI, with MPI_THREAD_SERIALIZED,
  // until this World is destroyed; else the process is a job of one rank, without MPI. Leaves the error
  // handler of MPI_COMM_WORLD as it is. Collective.
  //   time_limit  more than 0; std::chrono::milliseconds::max(), say, for none: more than ten years are taken
  //               as ten
  // Throws ConfigError if the limit is not positive, if MPI has been finalised already (it can be initialised
  // once in a process), or if srun has started several tasks without telling MPI of them. Throws CommError
  // where MPI fails.
  explicit World(std::chrono::milliseconds time_limit = kDefaultTimeLimit);

  // Frees the duplicate, unless there was a CommError, and finalises MPI if this World initialised it:
  // collective. Neither is done while an exception is on its way: then other ranks may be waiting, and the
  // launcher ends them when this process ends. Every Exchange must be gone before.
  ~World();

  World(const World&) = delete;
  World& operator=(const World&) = delete;

  [[nodiscard]] int rank() const noexcept;   // this process, in [0, ranks)
  [[nodiscard]] int ranks() const noexcept;  // P

  // Ends all ranks with this exit status, wherever they wait. Writes what C's output streams, std::cout,
  // std::cerr and std::clog of this process hold. Does not return, and runs no destructors.
  [[noreturn]] void abort(int status) const noexcept;

 private:
  friend class Exchange;
  friend class DeviceExchange;
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

// What a parameter is: adacomp's bins depend on it, and what stays dense unless settings say otherwise.
enum class ParameterKind {
  kConvolution,     // bins of bin_conv; the first one stays dense
  kFullyConnected,  // bins of bin_fc, as those of the next two
  kRecurrent,
  kEmbedding,
  kBias,           // stays dense
  kNormalisation,  // scales and shifts of batch norm, layer norm; stays dense
};

struct Parameter {
  std::string name;  // not empty, and no other parameter's
  // n, the product of its shape: 1 or more; to be compressed, below 2^32; of all parameters, 2^48 at most
  std::size_t elements = 0;
  ParameterKind kind = ParameterKind::kFullyConnected;
};

// scalecom: which elements the leader sends.
enum class Selection {
  kChunk,  // the largest of each chunk of `rate` elements
  kExact,  // the n / rate largest
};

// adacomp, dryden, ls, strom, topk: how the learners' payloads become one mean.
enum class Gather {
  kAll,        // every rank receives every payload
  kSparseSum,  // each element goes to one owner, who sums it and passes the largest sums on
};

enum class SumOrder {
  kTree,  // one order over learners, and so the same bits at any number of ranks
  kAny,   // the MPI library's own all-reduce; its bytes are estimated
};

// Whether the ranks of a host first work together, and one of them speaks to other hosts; the bits are the
// same.
enum class Hierarchy {
  kAuto,  // where there are several hosts with several ranks each, and the bits allow it
  kFlat,  // every rank speaks to every other
  kHost,  // on hosts, or not at all
};

// Each is a flag of `sterna train`, and means the same there. The same on every rank.
struct ExchangeSettings {
  std::string compressor = "none";  // a name that `sterna list` shows under compressors
  double rate = 100.0;        // dryden, randomk, scalecom, topk: 1 of so many elements is sent; in [1, 65536]
  std::size_t bin_conv = 50;  // adacomp, ls: elements in a bin, L_T, of convolutions; [1, 16384]
  std::size_t bin_fc = 500;   // adacomp, ls: of all other kinds; [1, 16384]
  Selection selection = Selection::kChunk;  // scalecom
  double beta = 1.0;                        // scalecom: low-pass filter of the memory, in (0, 1]
  double threshold = 0.03;                  // strom: tau, in the gradient's unit; more than 0
  Gather gather = Gather::kAll;             // adacomp, dryden, ls, strom, topk
  SumOrder sum_order = SumOrder::kTree;
  Hierarchy hierarchy = Hierarchy::kAuto;
  // A regular expression (ECMAScript), searched in names: what it is found in stays dense, and nothing else;
  // empty: nothing does. Not given: as ParameterKind says.
  std::optional<std::string> dense_layers{};
  // L, at most 65536: on one rank any number; on P ranks P times a power of two, with SumOrder::kAny P times
  // any number; 0: as many as ranks.
  std::uint32_t learners = 0;
  std::uint64_t seed = 1;  // of methods that draw random numbers
};

// What one call of reduce_to_mean sent.
struct Sent {
  std::uint64_t wire_bytes = 0;  // what this rank handed to the transport, headers and every copy counted
  std::uint64_t wire_bytes_received = 0;  // what it took from there
  std::uint64_t network_bytes = 0;        // the part of wire_bytes that went to other hosts
  std::uint64_t payload_bytes = 0;        // what a learner has to say: the mean over all L, rounded up
  std::uint64_t dense_bytes = 0;          // 4 for each element: what a learner has to say uncompressed
  std::uint64_t elements = 0;             // that this rank's first learner sent
};

class STERNA_API Exchange {
 public:
  // Holds a copy of this rank's gradients, the mean, and what its learners hold back: 1 + 2 L / P floats for
  // each element. Besides, for one bucket of parameters at a time, payloads of all L learners, and up to
  // 1 + log2(L / P) sums of a float for each element. A bucket has 4 MiB of gradients or a little more, or a
  // parameter that has more by itself.
  //   world       outlives the exchange
  //   parameters  1 to 65535, in the order in which gradients will be handed over
  // Collective: ranks compare parameters, settings and versions. Throws ConfigError, on every rank alike, if
  // any of them is not as said here, or not the same everywhere, or if what a rank's learners may send of a
  // bucket in one message has 2^32 bytes or more; CommError.
  Exchange(World& world, std::vector<Parameter> parameters, const ExchangeSettings& settings = {});

  // Gives its memory back, but after a CommError: MPI may read and write it until the process ends.
  ~Exchange();

  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  // Replaces each gradient by the mean over all learners of what their compressors make of it: bit for bit
  // the same on every rank. What a method does not send of a gradient, it holds back, and adds to the next
  // one. Collective.
  //   gradients  of the first local learner [parameters], in their order, each as long as its parameter has
  //              elements; then of the next; finite
  // Returns what this call sent. Throws ConfigError, before anything is sent, if a gradient is missing or of
  // another length; DivergedError, which names step, parameter and learner, if one is not finite; WireError
  // and CommError. Gradients are unchanged then; others may wait for this rank: end the job, with
  // World::abort(). After any of the last three, further calls throw ConfigError.
  Sent reduce_to_mean(std::span<const std::span<float>> gradients);

  // The same, of gradients that are listed at the call.
  Sent reduce_to_mean(std::initializer_list<std::span<float>> gradients) {
    return reduce_to_mean(std::span<const std::span<float>>(gradients.begin(), gradients.size()));
  }

  // Off: every parameter travels as float32, and what was held back rests. On at first. The same on every
  // rank; it sends nothing.
  void set_compression(bool is_on);

  [[nodiscard]] std::uint64_t steps() const noexcept;           // calls of reduce_to_mean that returned
  [[nodiscard]] std::uint32_t learners() const noexcept;        // L
  [[nodiscard]] std::uint32_t local_learners() const noexcept;  // L / P
  [[nodiscard]] std::uint32_t first_learner() const noexcept;   // this rank's; in [0, L)

  // Whether a compressor other than none is this parameter's. Throws ConfigError if there is no such index.
  [[nodiscard]] bool is_compressed(std::size_t parameter) const;

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace sterna
