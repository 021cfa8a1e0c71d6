#include "runtime/plot/svg.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "runtime/core/errors.h"
#include "runtime/core/number_text.h"

namespace sterna::plot {
namespace {

constexpr std::array<std::string_view, kColourCount - 1> kColours = {"#0072B2", "#D55E00", "#009E73",
                                                                     "#CC79A7", "#E69F00", "#56B4E9"};
constexpr double kLegendRow = 22.0;
constexpr double kLeastLegendColumn = 200.0;
constexpr double kSampleWidth = 28.0;

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else if (static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t') {
      out += c;
    }
  }
  return out;
}

std::string px(double value) {
  return plain_number_text(std::round(10.0 * value) / 10.0, 6);
}

std::string text_at(double x, double y, std::string_view anchor, std::string_view style,
                    std::string_view text) {
  return cat("<text x=\"", px(x), "\" y=\"", px(y), "\" text-anchor=\"", anchor, "\" ", style, ">",
             escaped(text), "</text>\n");
}

std::string line_from(double x1, double y1, double x2, double y2, std::string_view style) {
  return cat("<line x1=\"", px(x1), "\" y1=\"", px(y1), "\" x2=\"", px(x2), "\" y2=\"", px(y2), "\" ", style,
             "/>\n");
}

std::string mark_at(double x, double y, std::size_t series) {
  constexpr std::string_view kFill = "fill=\"currentColor\"";
  switch (series % 4) {
    case 0:
      return cat("<circle cx=\"", px(x), "\" cy=\"", px(y), "\" r=\"3.4\" ", kFill, "/>\n");
    case 1:
      return cat("<rect x=\"", px(x - 3), "\" y=\"", px(y - 3), "\" width=\"6\" height=\"6\" ", kFill,
                 "/>\n");
    case 2:
      return cat("<path d=\"M", px(x), " ", px(y - 4), " l4 7 h-8 z\" ", kFill, "/>\n");
    default:
      return cat("<path d=\"M", px(x), " ", px(y - 4.4), " l4.4 4.4 l-4.4 4.4 l-4.4 -4.4 z\" ", kFill,
                 "/>\n");
  }
}

std::string begin_series(std::size_t series, std::string_view name) {
  const std::size_t colour = series % kColourCount;
  std::string group = cat("<g class=\"c", colour, "\"");
  if (colour < kColours.size()) group += cat(" color=\"", kColours[colour], "\"");
  return cat(group, ">", name.empty() ? "" : cat("<title>", escaped(name), "</title>"), "\n");
}

std::string dashes_of(std::size_t series) {
  constexpr std::array<std::string_view, 4> kDashes = {"", "7 3", "2 3", "9 3 2 3"};
  const std::string_view dashes = kDashes[series / kColourCount % kDashes.size()];
  return dashes.empty() ? "" : cat(" stroke-dasharray=\"", dashes, "\"");
}

std::string begin_svg(const Canvas& canvas) {
  std::string svg = cat("<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" aria-label=\"",
                        escaped(canvas.title), "\" width=\"", px(canvas.width), "\" height=\"",
                        px(canvas.height), "\" viewBox=\"0 0 ", px(canvas.width), " ", px(canvas.height),
                        "\" font-family=\"Helvetica, Arial, sans-serif\" font-size=\"12\" ",
                        "fill=\"currentColor\"", canvas.is_file ? " color=\"#222\"" : "", ">\n");
  if (canvas.is_file) svg += "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n";
  return svg + text_at(20, 28, "start", "font-size=\"16\" font-weight=\"600\"", canvas.title);
}

double text_width(std::string_view text) {
  constexpr double kCharacter = 6.8;
  return kCharacter * static_cast<double>(text.size());
}

double Legend::column_width() const {
  double widest = kLeastLegendColumn;
  for (const std::string& name : names) widest = std::max(widest, kSampleWidth + 24 + text_width(name));
  return widest;
}

std::size_t Legend::columns() const {
  return static_cast<std::size_t>(std::max(1.0, std::floor(width / column_width())));
}

double Legend::height() const {
  return kLegendRow * std::ceil(static_cast<double>(names.size()) / static_cast<double>(columns()));
}

std::string Legend::draw(std::string (*draw_sample)(double x, double y, std::size_t number)) const {
  std::string svg;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const double x = left + column_width() * static_cast<double>(i % columns());
    const double y = top + kLegendRow * static_cast<double>(i / columns());
    svg += draw_sample(x, y, i) + text_at(x + kSampleWidth + 8, y + 4, "start", "", names[i]);
  }
  return svg;
}

}  // namespace sterna::plot
