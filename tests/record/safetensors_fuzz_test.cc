// Valid files with a few bytes changed: they are read or refused, and nothing else happens. What counts is
// what the address sanitizer has to say (preset debug); the mutations are the same in every run.
#include <gtest/gtest.h>

#include <algorithm>

#include "runtime/core/errors.h"
#include "runtime/core/rng.h"
#include "runtime/record/safetensors.h"
#include "tests/support/scratch_directory.h"

namespace sterna::record {
namespace {

constexpr std::uint32_t kMutations = 2000;

// Numbers drawn one after the other.
class Draws {
 public:
  explicit Draws(std::uint32_t mutation) : key_{.seed = 11, .step = mutation} {}
  std::size_t below(std::size_t bound) {
    return random_below(key_, next_++, static_cast<std::uint32_t>(bound));
  }

 private:
  RandomKey key_;
  std::uint64_t next_ = 0;
};

// What a header's parser has to stumble over.
constexpr std::string_view kTokens[] = {"{",
                                        "}",
                                        "[",
                                        "]",
                                        "\"",
                                        ",",
                                        ":",
                                        "-1",
                                        "0",
                                        "1e9",
                                        "18446744073709551615",
                                        "F32",
                                        "F64",
                                        "null",
                                        "__metadata__",
                                        "\\",
                                        "\xFF",
                                        "4"};

void mutate(std::string& bytes, Draws& draws) {
  const std::size_t at = draws.below(bytes.size());
  switch (draws.below(6)) {
    case 0:
      bytes[at] = static_cast<char>(draws.below(256));
      break;
    case 1:
      bytes.resize(at + 1);
      break;
    case 2:
      bytes.insert(at, kTokens[draws.below(std::size(kTokens))]);
      break;
    case 3:
      bytes.erase(at, draws.below(8));
      break;
    case 4:  // a piece of the file once more
      bytes.insert(at, bytes.substr(draws.below(bytes.size()), draws.below(64)));
      break;
    default:  // a digit of the header becomes another
      for (std::size_t i = at; i < bytes.size(); ++i) {
        if (bytes[i] < '0' || bytes[i] > '9') continue;
        bytes[i] = static_cast<char>('0' + draws.below(10));
        break;
      }
  }
  if (bytes.empty()) bytes.push_back('x');
}

// Makes the length fit again, so that what is behind it gets read: else most mutations end there.
void mend_length(std::string& bytes, std::size_t value_bytes) {
  if (bytes.size() < 8 + value_bytes) return;
  const std::size_t header_bytes = bytes.size() - 8 - value_bytes;
  for (std::size_t i = 0; i < 8; ++i) bytes[i] = static_cast<char>(header_bytes >> 8 * i & 0xFF);
}

struct Outcomes {
  int read = 0;
  int refused = 0;
};

void read_all(const std::filesystem::path& path, Outcomes& outcomes) {
  try {
    SafetensorsReader reader(path);
    std::uint64_t bytes = 0;
    for (const SafetensorsEntry& entry : reader.entries()) {
      bytes += entry.end - entry.begin;
      std::size_t elements = 1;
      for (std::size_t extent : entry.shape) elements *= extent;
      // No shape promises more than the file has.
      ASSERT_LE(elements, std::filesystem::file_size(path));
      std::vector<float> values(elements);
      if (entry.type == "F32" || entry.type == "F16" || entry.type == "BF16")
        reader.read_float32(entry, values);
    }
    EXPECT_LE(bytes + 8, std::filesystem::file_size(path));
    ++outcomes.read;
  } catch (const ConfigError&) {
    ++outcomes.refused;
  }
}

TEST(SafetensorsFuzz, ReadsOrRefuses) {
  const test::ScratchDirectory directory;
  Outcomes outcomes;
  for (const auto& [name, value_bytes] : {std::pair{"float32", 40u}, std::pair{"mixed", 56u}}) {
    const std::string valid = test::bytes_of(std::filesystem::path(STERNA_GOLDEN_DIR "/safetensors") /
                                             (std::string(name) + ".safetensors"));
    for (std::uint32_t mutation = 0; mutation < kMutations; ++mutation) {
      Draws draws(mutation);
      std::string bytes = valid;
      for (std::size_t left = 1 + draws.below(3); left > 0; --left) mutate(bytes, draws);
      if (draws.below(4) != 0) mend_length(bytes, value_bytes);
      read_all(directory.write("mutated", bytes), outcomes);
    }
  }
  // Both happen often, so that neither path goes untried.
  EXPECT_GT(outcomes.read, 100);
  EXPECT_GT(outcomes.refused, 1000);
}

}  // namespace
}  // namespace sterna::record
