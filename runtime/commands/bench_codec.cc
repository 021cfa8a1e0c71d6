#include <cmath>

#include "compressors/compressor.h"
#include "compressors/decode.h"
#include "runtime/command_line.h"
#include "runtime/commands/codec_settings.h"
#include "runtime/commands/commands.h"
#include "runtime/commands/measure.h"
#include "runtime/core/aligned_vector.h"
#include "runtime/core/rng.h"

namespace sterna::commands {
namespace {

// Each step's gradient is another window of one long row of normal values: fresh for every element, and
// cheap.
constexpr std::size_t kWindows = 509;  // a prime
constexpr std::size_t kWindowStride = 1024;

// Residues have settled when the payload has not changed by more than this part over kSettlingSteps.
constexpr double kSettledChange = 0.01;
constexpr std::size_t kSettlingSteps = 10;
constexpr std::size_t kMostWarmUpSteps = 400;

struct Settings : CodecSettings {
  std::size_t elements = 1u << 24;
  bool json = false;
};

// Gradients, residue and buffers of one layer of one learner, which is leader where there is one.
struct Bench {
  explicit Bench(const Settings& settings)
      : compressor(make_layer_compressor(settings, settings.elements)),
        residue(settings.elements, 0.0f),
        decoded(settings.elements, 0.0f),
        indices(compressor->max_index_bytes()),
        payload(compressor->max_payload_bytes()),
        normal(settings.elements + kWindows * kWindowStride) {
    for (std::size_t i = 0; i < normal.size(); ++i) normal[i] = random_normal({.seed = 1}, i);
  }

  void next_gradient() {
    ++step;
    gradient = std::span<const float>(normal).subspan(step * 199 % kWindows * kWindowStride, residue.size());
  }

  bool has_leader() const { return compressor->exchange() == compressors::Exchange::kLeaderIndexed; }

  void encode(bool as_leader) {
    const compressors::StepKey key{.step = step};
    if (as_leader) {
      const compressors::LeaderEncoded sent =
          compressor->encode_as_leader(gradient, residue, key, indices, payload);
      index_bytes = sent.index_bytes;
      payload_bytes = sent.payload_bytes;
    } else {
      if (!has_leader()) index_bytes = compressor->write_shared_indices(key, indices);
      payload_bytes =
          compressor->encode(gradient, residue, std::span(indices).first(index_bytes), key, payload)
              .payload_bytes;
    }
  }

  void decode() {
    compressors::decode(*compressor, std::span(indices).first(index_bytes),
                        std::span(payload).first(payload_bytes), scratch, decoded);
  }

  void add() {
    for (std::size_t i = 0; i < decoded.size(); ++i) decoded[i] += gradient[i];
  }

  // Encodes until the payload's length is steady.
  void settle(bool as_leader) {
    std::vector<double> bytes;
    while (bytes.size() < kMostWarmUpSteps) {
      next_gradient();
      encode(as_leader);
      bytes.push_back(static_cast<double>(payload_bytes));
      if (bytes.size() <= kSettlingSteps) continue;
      const double before = bytes[bytes.size() - 1 - kSettlingSteps];
      if (std::abs(bytes.back() - before) <= kSettledChange * before) return;
    }
  }

  std::unique_ptr<compressors::Compressor> compressor;
  AlignedVector<float> residue;
  AlignedVector<float> decoded;
  AlignedVector<float> scratch;
  AlignedVector<std::byte> indices;
  AlignedVector<std::byte> payload;
  AlignedVector<float> normal;
  std::span<const float> gradient;
  std::uint64_t step = 0;
  std::size_t index_bytes = 0;
  std::size_t payload_bytes = 0;
};

nlohmann::ordered_json measure(const Settings& settings) {
  Bench bench(settings);
  const bool has_leader = bench.has_leader();
  bench.settle(has_leader);
  std::vector<double> leader, encode, decode, add;
  for (std::size_t run = 0; run < kTimedRuns; ++run) {
    bench.next_gradient();
    if (has_leader) leader.push_back(seconds_of([&] { bench.encode(/*as_leader=*/true); }));
    bench.next_gradient();
    encode.push_back(seconds_of([&] { bench.encode(/*as_leader=*/false); }));
    decode.push_back(seconds_of([&] { bench.decode(); }));
    add.push_back(seconds_of([&] { bench.add(); }));
  }
  const double ns = 1e9 / static_cast<double>(settings.elements);
  nlohmann::ordered_json result = {{"compressor", settings.compressor},
                                   {"layer", settings.layer},
                                   {"elements", settings.elements},
                                   {"encode_ns_per_element", median(has_leader ? leader : encode) * ns}};
  if (has_leader) {
    result["encode_leader_ns_per_element"] = median(leader) * ns;
    result["encode_follower_ns_per_element"] = median(encode) * ns;
  }
  result["decode_ns_per_element"] = median(decode) * ns;
  result["add_ns_per_element"] = median(add) * ns;
  result["payload_bytes"] = bench.payload_bytes + (has_leader ? bench.index_bytes : 0);
  return result;
}

std::unique_ptr<CLI::App> make_app(Settings& settings) {
  auto app = std::make_unique<CLI::App>(
      "One layer through a compressor, on one thread: fresh normal gradients, residues in their steady "
      "state. Medians. The "
      "plain add x[i] += y[i] over the same length is the yardstick. With a leader, encode_ns_per_element is "
      "the leader's.",
      "sterna bench codec");
  add_codec_flags(*app, settings);
  add_number_for(*app, "elements", settings.elements, "elements of the layer", 1, std::size_t{1} << 32);
  add_flag_for(*app, "json", settings.json, "one JSON object on one line");
  return app;
}

}  // namespace

void describe_bench_codec(const AppVisitor& visit) {
  Settings settings;
  visit(*make_app(settings));
}

int bench_codec(Job& job, int argc, const char* const* argv) {
  Settings settings;
  if (!parse_together(job, *make_app(settings), argc, argv)) return 0;
  const nlohmann::ordered_json result = measure(settings);
  if (job.rank() == 0) print_result(result, settings.json);
  return 0;
}

}  // namespace sterna::commands
