#include "compressors/signed_elements.h"

#include "runtime/core/bytes.h"
#include "runtime/core/errors.h"

namespace sterna::compressors {
namespace {

constexpr std::size_t kCountBytes = 4;

std::size_t count_of(std::string_view method, std::span<const std::byte> bytes) {
  if (bytes.size() < kCountBytes) {
    throw WireError(
        cat("[", method, "] signs have ", bytes.size(), " bytes, expected at least 4 for their count"));
  }
  const std::size_t count = load<std::uint32_t>(bytes, 0);
  if (count == 0) throw WireError(cat("[", method, "] count of signs = 0, where nothing would be sent"));
  return count;
}

}  // namespace

std::size_t signs_bytes(std::size_t elements, std::size_t count) {
  return kCountBytes + wire::packed_bytes(count, index_bits(elements) + 1);
}

SignWriter::SignWriter(std::span<std::byte> bytes, std::size_t elements)
    : bytes_(bytes), writer_(bytes.subspan(kCountBytes)), index_bits_(index_bits(elements)) {}

std::size_t SignWriter::finish() {
  store(bytes_, 0, static_cast<std::uint32_t>(count_));
  return kCountBytes + writer_.finish();
}

SignReader::SignReader(std::string_view method, std::span<const std::byte> bytes, std::size_t elements)
    : method_(method),
      elements_(elements),
      index_bits_(index_bits(elements)),
      left_(count_of(method, bytes)),
      reader_(bytes.subspan(kCountBytes)) {}

bool SignReader::next() {
  if (left_ == 0) {
    reader_.finish();
    return false;
  }
  --left_;
  const std::size_t index = reader_.read(index_bits_);
  is_negative_ = reader_.read(1) != 0;
  if (index < lowest_ || index >= elements_) {
    throw WireError(cat("[", method_, "] index ", index, " of a layer of ", elements_,
                        " elements, expected one from ", lowest_, " on"));
  }
  lowest_ = index + 1;
  return true;
}

}  // namespace sterna::compressors
