// The message in which the gathered payloads, or the index sections, of one bucket travel.
//
//   message  := header  length*  section*       all numbers little-endian
//   header   := magic          4 bytes  "STRN"
//               version        1 byte   kMessageVersion
//               kind           1 byte   MessageKind
//               bucket         2 bytes
//               step           4 bytes
//               first learner  4 bytes  the lowest learner whose sections these are
//               sections       4 bytes  how many
//               total          4 bytes  length of the whole message, in bytes
//               checksum       8 bytes  XXH3, 64 bits, of the 24 bytes before it and all bytes after it
//   length   := 4 bytes                 one for each section, in bytes
//   section  := length bytes            one after the other, without gaps; what is in them is the
//   compressors' matter
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace sterna::wire {

inline constexpr std::uint8_t kMessageVersion = 1;
inline constexpr std::size_t kMessageHeaderBytes = 32;
inline constexpr std::size_t kMessageLengthBytes = 4;  // of a section's entry in the table of lengths

enum class MessageKind : std::uint8_t {
  kPayloads = 1,  // kGathered: one payload for each learner and layer
  kIndices = 2,   // kLeaderIndexed: one index section for each layer
  kParts = 3,     // sparse sum: for each learner, layer and owner, what the learner sends of the owner's part
  kSums = 4,      // sparse sum: for each owner and layer, the sums of its part
};

// What both ends know about a message before it travels.
struct MessageKey {
  MessageKind kind = MessageKind::kPayloads;
  std::uint64_t step = 0;    // below 2^32
  std::uint32_t bucket = 0;  // below 2^16
  std::uint32_t first_learner = 0;
  std::uint32_t sections = 0;
};

// Returns the length of a message whose sections have `section_bytes` bytes together.
[[nodiscard]] constexpr std::size_t message_bytes(std::size_t sections, std::size_t section_bytes) {
  return kMessageHeaderBytes + sections * kMessageLengthBytes + section_bytes;
}

// Builds one message in a buffer that is kept from step to step: it only ever grows, so that a steady state
// allocates nothing and clears nothing. The message is the front of the buffer that finish() returns.
class MessageWriter {
 public:
  MessageWriter(const MessageKey& key, std::vector<std::byte>& buffer);

  // Returns room for the next section, `max_bytes` long; valid until the next call of reserve() or append().
  [[nodiscard]] std::span<std::byte> reserve(std::size_t max_bytes);

  // Makes the first `bytes` of what reserve() returned the next section.
  void commit(std::size_t bytes);

  void append(std::span<const std::byte> section);

  // Call once, after key.sections sections. Returns the message, exactly; it lives in the buffer.
  [[nodiscard]] std::span<const std::byte> finish();

 private:
  MessageKey key_;
  std::vector<std::byte>& buffer_;
  std::size_t end_;                 // bytes of the message so far
  std::size_t reserved_bytes_ = 0;  // after end_
  std::uint32_t sections_ = 0;      // committed
};

// Checks a message and gives out its sections. One reader serves any number of messages, one after the other.
class MessageReader {
 public:
  // Throws WireError, which names what is wrong, what came and what was expected, unless `message` is one
  // that a MessageWriter made with the key `expected`. Reads nothing past the end. The message is not copied.
  void open(std::span<const std::byte> message, const MessageKey& expected);

  [[nodiscard]] std::size_t sections() const { return starts_.empty() ? 0 : starts_.size() - 1; }

  // Section `index`, below sections().
  [[nodiscard]] std::span<const std::byte> section(std::size_t index) const;

 private:
  std::span<const std::byte> message_;
  std::vector<std::size_t> starts_;  // of each section, and the end of the last
};

}  // namespace sterna::wire
