// Words of a line of text, as machine translation counts them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sterna::evaluation {

// Cuts UTF-8 text at white space: that of ASCII, and Unicode's (no-break space, em space, ...), as Python's
// str.split() does. sacreBLEU calls it `none`: for text that is tokenised already.
[[nodiscard]] std::vector<std::string> split_words(std::string_view text);

// As NIST's mteval-v13a.pl cuts them, for Western languages; sacreBLEU's default, `13a`. Entities (&quot;
// &amp; &lt; &gt;) become characters, ASCII punctuation becomes words of its own, and full stop and comma do
// so unless they stand between digits, a hyphen only behind a digit. Case stays as it is.
[[nodiscard]] std::vector<std::string> tokenise_13a(std::string_view text);

}  // namespace sterna::evaluation
