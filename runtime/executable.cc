#include "runtime/executable.h"

#include <fstream>
#include <vector>

#include "runtime/core/errors.h"
#include "runtime/core/hash.h"

namespace sterna {

std::string executable_hash() {
  std::ifstream file("/proc/self/exe", std::ios::binary);
  if (!file) throw ConfigError("[job] /proc/self/exe: cannot read the program's own file; is /proc mounted?");
  Hash hash;
  std::vector<char> piece(1u << 20);
  while (file.read(piece.data(), static_cast<std::streamsize>(piece.size())), file.gcount() > 0) {
    hash.add(std::as_bytes(std::span(piece.data(), static_cast<std::size_t>(file.gcount()))));
  }
  return hash.text();
}

}  // namespace sterna
