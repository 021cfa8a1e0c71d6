// What `sterna project` shows: for people, for scripts, as a picture.
#pragma once

#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "runtime/projection/link.h"
#include "runtime/projection/prediction.h"

namespace sterna::commands {

struct ProjectedLink {
  projection::Link link;
  double bits_per_second = 0.0;  // of the card; 0: bytes took no time
  bool is_of_run = false;        // fitted, not asked for
};

struct ProjectionRow {
  std::size_t link = 0;  // index into links
  std::string name;      // of the way to compress; unlike all others
  std::string compressor;
  bool is_measured = false;
  std::optional<double> rate{};  // of a closed form
  std::string run{};             // directory
  std::string model{};
  projection::Prediction prediction{};
  double speedup_over_dense = 0.0;
  bool is_fastest = false;  // of those on this link and number of ranks
};

// Rows link by link, in each by number of ranks, in each by name.
struct Projection {
  std::vector<ProjectedLink> links;
  std::vector<std::string> assumptions{};  // a sentence each
  std::vector<ProjectionRow> rows{};
};

void print_text(std::ostream& out, const Projection& projection);

// One object a line.
void print_json(std::ostream& out, const Projection& projection);

// What a plot may show.
inline constexpr const char* kPlotValues[] = {"step", "speedup", "efficiency", "exposed", "bytes"};

// A panel a link, a line a name.
//   value  one of kPlotValues
[[nodiscard]] std::string to_svg(const Projection& projection, const std::string& value);

}  // namespace sterna::commands
