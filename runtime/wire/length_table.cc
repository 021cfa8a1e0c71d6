#include "runtime/wire/length_table.h"

#include "runtime/core/bytes.h"
#include "runtime/wire/expectation.h"
#include "runtime/wire/key_fields.h"

namespace sterna::wire {
namespace {

constexpr std::uint32_t kMagic = 0x54525453;  // "STRT"
static_assert(kKeyFieldsBytes == kTableHeaderBytes);

}  // namespace

std::array<std::byte, kTableHeaderBytes> table_header(const MessageKey& key) {
  check_fits(key);
  std::array<std::byte, kTableHeaderBytes> header{};
  store_key_fields(header, kMagic, key);
  return header;
}

std::vector<std::size_t> read_table(std::span<const std::byte> table, const MessageKey& expected) {
  const Expectation expectation{expected};
  expectation.require("table bytes", table.size(), table_bytes(expected.sections));
  require_magic(expectation, table, kMagic, "magic of the table");
  require_key(expectation, table, "lengths");
  std::vector<std::size_t> lengths;
  lengths.reserve(expected.sections);
  for (std::size_t i = 0; i < expected.sections; ++i) {
    lengths.push_back(load<std::uint32_t>(table, table_bytes(i)));
  }
  return lengths;
}

}  // namespace sterna::wire
