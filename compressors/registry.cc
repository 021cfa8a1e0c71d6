#include <algorithm>
#include <functional>
#include <iterator>

#include "compressors/compressor.h"
#include "runtime/core/errors.h"

namespace sterna::compressors {

// Each defined in the file of its method; declared only here, so that only the table calls them.
std::unique_ptr<Compressor> make_adacomp(const LayerShape&, const Options&);
std::unique_ptr<Compressor> make_bf16(const LayerShape&, const Options&);
std::unique_ptr<Compressor> make_fp16(const LayerShape&, const Options&);
std::unique_ptr<Compressor> make_none(const LayerShape&, const Options&);
std::unique_ptr<Compressor> make_scalecom(const LayerShape&, const Options&);
std::unique_ptr<Compressor> make_topk(const LayerShape&, const Options&);

namespace {

constexpr CompressorEntry kCompressors[] = {
    {"adacomp", "about 5 signs of each bin, one scale; 1 or 2 bytes each", make_adacomp},
    {"bf16", "every value as bfloat16; 2n bytes", make_bf16},
    {"fp16", "every value as float16; 2n bytes", make_fp16},
    {"none", "every value as float32; 4n bytes", make_none},
    {"scalecom", "the largest of each chunk of the leader's; 4n / rate bytes, and the leader's indices",
     make_scalecom},
    {"topk", "the n / rate largest; 4 bytes and ceil(log2 n) bits each", make_topk},
};
static_assert(std::ranges::adjacent_find(kCompressors, std::ranges::greater_equal{},
                                         &CompressorEntry::name) == std::end(kCompressors),
              "keep the table sorted, each name once");

}  // namespace

std::span<const CompressorEntry> compressor_table() {
  return kCompressors;
}

std::vector<std::string_view> element_choosing_compressors() {
  std::vector<std::string_view> names;
  for (const CompressorEntry& entry : kCompressors) {
    if (entry.make({}, {})->element_values().has_value()) names.push_back(entry.name);
  }
  return names;
}

std::unique_ptr<Compressor> make_compressor(std::string_view name, const LayerShape& shape,
                                            const Options& options) {
  const auto* const entry = std::ranges::find(kCompressors, name, &CompressorEntry::name);
  if (entry != std::end(kCompressors)) return entry->make(shape, options);
  throw ConfigError(cat("[compressors] compressor = ", name, ": no such compressor; this build has ",
                        joined(compressor_table() | std::views::transform(&CompressorEntry::name), ", ")));
}

}  // namespace sterna::compressors
