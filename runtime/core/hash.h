// 64-bit hashes (XXH3) of what is not in one piece, as 16 hexadecimal digits.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace sterna {

class Hash {
 public:
  Hash();
  ~Hash();

  void add(std::span<const std::byte> bytes);
  [[nodiscard]] std::string text() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sterna
