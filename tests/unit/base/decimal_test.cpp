#include "base/decimal.hpp"

#include <doctest.h>

#include <limits>
#include <optional>
#include <string>

using edgepost::append_decimal;
using edgepost::read_decimal;

TEST_CASE("decimal: a text that is a finite number is read") {
  CHECK(read_decimal("21.5") == 21.5);
  CHECK(read_decimal("-3") == -3);
  CHECK(read_decimal("1e-3") == 0.001);
  CHECK(read_decimal("0") == 0);
}

TEST_CASE("decimal: a text that is anything else is no number") {
  for (const char* text :
       {"", " 1", "1 ", "1.5x", "+1", "--1", "0x10", "nan", "inf", "1e999", "1,5", "on", "."}) {
    INFO(text);
    CHECK(read_decimal(text) == std::nullopt);
  }
}

TEST_CASE("decimal: what is written is short and reads as the same number") {
  std::string text;
  append_decimal(0.1, text);
  CHECK(text == "0.1");
  for (const double value : {0.0, -21.5, 1.0 / 3, std::numeric_limits<double>::max(),
                             std::numeric_limits<double>::denorm_min()}) {
    text.clear();
    append_decimal(value, text);
    CHECK(read_decimal(text) == value);
  }
}
