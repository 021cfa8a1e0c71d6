#include <algorithm>
#include <functional>
#include <iterator>

#include "compressors/compressor.h"
#include "runtime/core/errors.h"

namespace sterna::compressors {

// Each defined in the file of its method; declared only here, so that only the table calls them.
std::unique_ptr<Compressor> make_adacomp(const LayerShape&, const Options&);
std::unique_ptr<Compressor> make_bf16(const LayerShape&, const Options&);
std::unique_ptr<Compressor> make_dryden(const LayerShape&, const Options&);
std::unique_ptr<Compressor> make_fp16(const LayerShape&, const Options&);
std::unique_ptr<Compressor> make_ls(const LayerShape&, const Options&);
std::unique_ptr<Compressor> make_none(const LayerShape&, const Options&);
std::unique_ptr<Compressor> make_randomk(const LayerShape&, const Options&);
std::unique_ptr<Compressor> make_scalecom(const LayerShape&, const Options&);
std::unique_ptr<Compressor> make_strom(const LayerShape&, const Options&);
std::unique_ptr<Compressor> make_topk(const LayerShape&, const Options&);

namespace {

constexpr CompressorEntry kCompressors[] = {
    {"adacomp", "about 5 signs of each bin, one scale; 1 or 2 bytes each", make_adacomp},
    {"bf16", "every value as bfloat16; 2n bytes", make_bf16},
    {"dryden", "the largest of each sign, 1 of rate, as their mean; ceil(log2 n) + 1 bits each", make_dryden},
    {"fp16", "every value as float16; 2n bytes", make_fp16},
    {"ls", "the largest of each bin, as a sign, one scale; bit_width(2 L_T) bits a bin", make_ls},
    {"none", "every value as float32; 4n bytes", make_none},
    {"randomk", "n / rate values at places that all ranks draw alike; 4n / rate bytes", make_randomk},
    {"scalecom", "the largest of each chunk of the leader's; 4n / rate bytes, and the leader's indices",
     make_scalecom},
    {"strom", "what reaches a fixed threshold, as a sign; ceil(log2 n) + 1 bits each", make_strom},
    {"topk", "the n / rate largest; 4 bytes and ceil(log2 n) bits each", make_topk},
};
static_assert(std::ranges::adjacent_find(kCompressors, std::ranges::greater_equal{},
                                         &CompressorEntry::name) == std::end(kCompressors),
              "keep the table sorted, each name once");

}  // namespace

std::span<const CompressorEntry> compressor_table() {
  return kCompressors;
}

std::vector<std::string_view> compressors_that(bool (*do_so)(const Compressor&)) {
  std::vector<std::string_view> names;
  for (const CompressorEntry& entry : kCompressors) {
    if (do_so(*entry.make({}, {}))) names.push_back(entry.name);
  }
  return names;
}

std::vector<std::string_view> element_choosing_compressors() {
  return compressors_that([](const Compressor& method) { return method.element_values().has_value(); });
}

std::unique_ptr<Compressor> make_compressor(std::string_view name, const LayerShape& shape,
                                            const Options& options) {
  const auto* const entry = std::ranges::find(kCompressors, name, &CompressorEntry::name);
  if (entry != std::end(kCompressors)) return entry->make(shape, options);
  throw ConfigError(cat("[compressors] compressor = ", name, ": no such compressor; this build has ",
                        joined(compressor_table() | std::views::transform(&CompressorEntry::name), ", ")));
}

}  // namespace sterna::compressors
