#include "runtime/projection/payload.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "runtime/core/errors.h"

namespace sterna::projection {
namespace {

// compressors/README.md: ns an element to encode and decode a layer of 16 Mi elements on one core of an AMD
// EPYC (Milan), AVX2; of adacomp those with bins of 500, of scalecom the leader's. Those of none, fp16 and
// bf16 that it lacks, of decoding, are taken to be those of encoding.
//
// And what it takes to add up another learner's gathered payload, ns an element sent: the decode spans of
// lenet's steps
// (`sterna train --timeline`, one rank on one core of an AMD EPYC) grew by so much from 2 to 32 learners.
struct Known {
  std::string_view name;
  double codec_ns_per_element;
  double ns_per_gathered_element;
};
constexpr std::array kKnown = {Known{"adacomp", 1.2 + 0.47, 3.3},   Known{"bf16", 2 * 0.90, 0.0},
                               Known{"fp16", 2 * 0.49, 0.0},        Known{"none", 2 * 0.47, 0.0},
                               Known{"scalecom", 0.58 + 0.38, 0.0}, Known{"topk", 6.2 + 0.71, 7.4}};

constexpr double kConvolutionBin = 50.0;
constexpr double kOtherBin = 500.0;

double bytes_of_bits(double bits) {
  return std::ceil(bits / 8.0);
}

// Bits that tell n things apart.
double index_bits(double n) {
  return n <= 1.0 ? 0.0 : std::ceil(std::log2(n));
}

bool is_16_bit(std::string_view method) {
  return method == "fp16" || method == "bf16";
}

bool is_chosen(std::string_view method) {
  return method != "none" && !is_16_bit(method);
}

void add_topk(double elements, double rate, Payload& payload) {
  const double sent = std::ceil(elements / rate);
  payload.gathered_elements += sent;
  payload.gathered_bytes += 4.0 * sent + bytes_of_bits(sent * index_bits(elements));
}

// A bitmap of the bins where fewer elements than bins are sent; else every bin is taken to send something.
void add_adacomp(const Layer& layer, double rate, Payload& payload) {
  const bool is_convolution = layer.kind == "convolution";
  const double bins = std::ceil(layer.elements / (is_convolution ? kConvolutionBin : kOtherBin));
  const double sent = std::ceil(layer.elements / rate);
  payload.gathered_elements += sent;
  payload.gathered_bytes +=
      4.0 + sent * (is_convolution ? 1.0 : 2.0) + (sent < bins ? bytes_of_bits(bins) : 0.0);
}

void add_scalecom(double elements, double rate, Payload& payload) {
  const double chunk = std::round(rate);
  const double chunks = std::ceil(elements / chunk);
  payload.float32_bytes += 4.0 * chunks;
  const auto bits = static_cast<double>(std::bit_width(static_cast<std::uint64_t>(chunk)));
  payload.index_bytes += bytes_of_bits(chunks * bits);
}

// Mean of log2 n over the layers that a compressor chooses elements of, weighted by n.
double mean_index_bits(std::span<const Layer> layers) {
  double bits = 0.0;
  double elements = 0.0;
  for (const Layer& layer : layers) {
    if (!is_chosen(layer.method)) continue;
    bits += layer.elements * index_bits(layer.elements);
    elements += layer.elements;
  }
  return elements > 0.0 ? bits / elements : 0.0;
}

}  // namespace

std::vector<std::string_view> known_compressors() {
  std::vector<std::string_view> names;
  for (const Known& known : kKnown) names.push_back(known.name);
  return names;
}

void require_known(const std::string& compressor) {
  const auto names = known_compressors();
  if (std::ranges::find(names, compressor) != names.end()) return;
  throw ConfigError(cat("[project] compressor = \"", compressor,
                        "\": what it sends is not known here; known are ", joined(names, ", ")));
}

bool stays_dense(const Layer& layer, bool is_first_convolution) {
  return layer.kind == "bias" || layer.kind == "normalisation" || is_first_convolution;
}

Payload payload_of(const std::string& compressor, double rate, std::span<const Layer> layers) {
  require_known(compressor);
  Payload payload;
  for (const Layer& layer : layers) {
    if (!layer.may_be_compressed || compressor == "none") {
      payload.float32_bytes += 4.0 * layer.elements;
      continue;
    }
    if (is_16_bit(compressor)) {
      payload.float16_bytes += 2.0 * layer.elements;
      continue;
    }
    ++payload.compressed_layers;
    if (compressor == "topk") add_topk(layer.elements, rate, payload);
    if (compressor == "adacomp") add_adacomp(layer, rate, payload);
    if (compressor == "scalecom") add_scalecom(layer.elements, rate, payload);
  }
  return payload;
}

Payload payload_of_log(const LoggedPayload& log, std::span<const Layer> layers) {
  Payload payload;
  double plain_elements = 0.0;
  std::string compressor;
  for (const Layer& layer : layers) {
    require_known(layer.method);
    if (is_chosen(layer.method)) {
      compressor = layer.method;
      ++payload.compressed_layers;
      continue;
    }
    plain_elements += layer.elements;
    double& bytes = is_16_bit(layer.method) ? payload.float16_bytes : payload.float32_bytes;
    bytes += layer.elements * (is_16_bit(layer.method) ? 2.0 : 4.0);
  }
  if (compressor.empty()) return payload;
  const double sent = std::max(0.0, log.elements_sent - plain_elements);
  const double said = std::max(0.0, log.payload_bytes - payload.float32_bytes - payload.float16_bytes);
  if (compressor == "scalecom") {
    payload.float32_bytes += 4.0 * sent;
    payload.index_bytes = std::max(0.0, log.learners * (said - 4.0 * sent));
  } else if (log.is_sparse_sum) {
    payload.sparse_elements = sent;
    payload.index_bits = mean_index_bits(layers);
    payload.sends_signs = compressor == "adacomp";
  } else {
    payload.gathered_bytes = said;
    payload.gathered_elements = sent;
  }
  return payload;
}

double guessed_compress_seconds(const std::string& compressor, std::span<const Layer> layers) {
  require_known(compressor);
  const auto* known = std::ranges::find(kKnown, compressor, &Known::name);
  double elements = 0.0;
  for (const Layer& layer : layers) elements += layer.elements;
  return 1e-9 * known->codec_ns_per_element * elements;
}

double guessed_seconds_per_gathered_element(const std::string& compressor) {
  require_known(compressor);
  return 1e-9 * std::ranges::find(kKnown, compressor, &Known::name)->ns_per_gathered_element;
}

}  // namespace sterna::projection
