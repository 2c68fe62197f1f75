#include "base/decimal.hpp"

#include <array>
#include <charconv>
#include <cmath>

namespace edgepost {

std::optional<double> read_decimal(std::string_view text) {
  const char* const end = text.data() + text.size();
  double value = 0;
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || !std::isfinite(value)) return std::nullopt;
  return value;
}

void append_decimal(double value, std::string& out) {
  std::array<char, 32> text{};  // the longest is -2.2250738585072014e-308
  const auto written = std::to_chars(text.data(), text.data() + text.size(), value);
  out.append(text.data(), written.ptr);
}

}  // namespace edgepost
