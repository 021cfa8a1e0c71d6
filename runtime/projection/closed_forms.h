// Bytes that one worker sends and receives in a step, in closed form: over a parameter server and over a
// ring. These are the textbook forms, for accelerators that exchange in one of these two ways; what this
// project's own exchange sends is in traffic.h.
//
// Source: derived for this project from the algorithms of AdaComp (arXiv:1712.02679) and ScaleCom
// (arXiv:2104.11125); none of them is a formula that was read in the papers.
//
//   n  workers      p  parameters      k = p / rate  of them sent      b  bytes a value      4  bytes an
//   index
#pragma once

namespace sterna::projection {

struct ClosedFormInput {
  double workers = 1.0;      // n
  double parameters = 0.0;   // p
  double rate = 1.0;         // p / k
  double value_bytes = 4.0;  // b
};

struct WorkerBytes {
  double sent = 0.0;
  double received = 0.0;

  [[nodiscard]] double total() const { return sent + received; }
};

// p b up, p b down.
[[nodiscard]] WorkerBytes dense_server(const ClosedFormInput& input);

// 2 (n - 1) / n p b each way: reduce-scatter and all-gather.
[[nodiscard]] WorkerBytes dense_ring(const ClosedFormInput& input);

// Parameters that at least one of n workers chose, if each chooses k at random: p (1 - (1 - 1 / rate)^n).
[[nodiscard]] double expected_union(const ClosedFormInput& input);

// k (b + 4) up; what comes down is the union of all choices, with its indices. At a rate of 96 and 128
// workers the union is 74 % of p, and with its indices more than a dense gradient.
[[nodiscard]] WorkerBytes local_topk_server(const ClosedFormInput& input);

// (n - 1) k (b + 4) each way: everyone's choice to everyone.
[[nodiscard]] WorkerBytes local_topk_gather(const ClosedFormInput& input);

// k b up and down, and the leader's k indices: they go down to every worker, and up from one of n.
[[nodiscard]] WorkerBytes scalecom_server(const ClosedFormInput& input);

// 2 (n - 1) / n k b each way, and k indices to everyone: n - 1 copies, of which each worker sends a share of
// (n - 1) / n.
[[nodiscard]] WorkerBytes scalecom_ring(const ClosedFormInput& input);

// (n - 1) times each way what one worker has to say: for each layer a scale of 4 bytes, and for each element
// sent a code of so many bits.
[[nodiscard]] WorkerBytes adacomp_gather(const ClosedFormInput& input, double layers,
                                         double bits_per_element);

}  // namespace sterna::projection
