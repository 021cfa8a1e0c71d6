#include "runtime/core/hash.h"

#include <xxhash.h>

#include <cstdio>

#include "runtime/core/errors.h"

namespace sterna {

struct Hash::State {
  XXH3_state_t* xxh3 = XXH3_createState();
  ~State() { XXH3_freeState(xxh3); }
};

Hash::Hash() : state_(std::make_unique<State>()) {
  STERNA_CHECK(XXH3_64bits_reset(state_->xxh3) == XXH_OK);
}

Hash::~Hash() = default;

void Hash::add(std::span<const std::byte> bytes) {
  STERNA_CHECK(XXH3_64bits_update(state_->xxh3, bytes.data(), bytes.size()) == XXH_OK);
}

std::string Hash::text() const {
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx",
                static_cast<unsigned long long>(XXH3_64bits_digest(state_->xxh3)));
  return digits;
}

}  // namespace sterna
