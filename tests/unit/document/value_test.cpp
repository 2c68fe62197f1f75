#include "document/value.hpp"

#include <doctest.h>

namespace edgepost::document {
namespace {

std::string error_of(const std::string& json) { return canonical(json).status().message(); }

TEST_CASE("value: equal values have equal bytes") {
  CHECK(*canonical(" { \"b\" : [1 , 2.50,\"x\"] ,\"a\":null}\n") ==
        R"({"a":null,"b":[1,2.5,"x"]})");
  CHECK(*canonical("23.0") == "23");
  CHECK(*canonical("2.3e1") == "23");
  CHECK(*canonical("-0") == "0");
  CHECK(*canonical("-0.0") == "0");
  CHECK(*canonical("1e300") == "1e+300");
  CHECK(*canonical("9223372036854775807") == "9223372036854775807");
  CHECK(*canonical(R"("\u00e9\/")") == "\"\xC3\xA9/\"");
  CHECK(*canonical("{}") == "{}");
  CHECK(*canonical("[]") == "[]");
  CHECK(*canonical("true") == "true");
}

TEST_CASE("value: what is canonical stays as it is") {
  for (const char* const json : {R"({"a":[{"b":0.1},false],"c":"\n"})", "-7", "1.5e-07"})
    CHECK(*canonical(json) == json);
}

TEST_CASE("value: what nobody could read back is refused") {
  CHECK(error_of("") == "JSON, byte 0: malformed");
  CHECK(error_of("{") == "JSON, byte 1: malformed");
  CHECK(!canonical("1 2").is_ok());
  CHECK(!canonical("NaN").is_ok());
  CHECK(error_of("9223372036854775808") == "a whole number beyond 64 bits");
  CHECK(error_of("1e400") == "a number that is too large");
  CHECK(!canonical(R"({"a":1,"a":2})").is_ok());
  CHECK(error_of('"' + std::string(kTextBytesMax + 1, 'x') + '"') == "a text longer than 8 KiB");
  CHECK(error_of("{\"" + std::string(kTextBytesMax + 1, 'x') + "\":1}") ==
        "a name longer than 8 KiB");
  CHECK(canonical(std::string(16, '[') + std::string(16, ']')).is_ok());
  CHECK(error_of(std::string(18, '[') + std::string(18, ']')) == "nested more than 16 deep");
}

TEST_CASE("value: three-way merging takes from each side what it alone has changed") {
  const std::string base = R"({"a":1,"b":{"x":1,"y":1},"c":[1],"d":1})";
  CHECK(merge_three(base, R"({"a":2,"b":{"x":2,"y":1},"c":[1],"d":1})",
                    R"({"a":1,"b":{"x":1,"y":3},"c":[1,2],"d":1,"e":5})") ==
        R"({"a":2,"b":{"x":2,"y":3},"c":[1,2],"d":1,"e":5})");
}

TEST_CASE("value: where both have changed it the winner's stays, and changing beats deleting") {
  CHECK(merge_three(R"({"a":1})", R"({"a":2})", R"({"a":3})") == R"({"a":2})");
  CHECK(merge_three(R"({"a":1,"b":1})", R"({"b":1})", R"({"a":3,"b":1})") == R"({"a":3,"b":1})");
  CHECK(merge_three(R"({"a":1,"b":1})", R"({"b":1})", R"({"a":1,"b":1})") == R"({"b":1})");
  CHECK(merge_three("", R"({"a":1})", R"({"b":2})") == R"({"a":1,"b":2})");
  CHECK(merge_three("[1]", "[1,2]", "[3]") == "[1,2]");
  CHECK(merge_three(R"({"a":1})", "5", R"({"a":1})") == "5");
  CHECK(merge_three(R"({"a":1})", R"({})", R"({})") == "{}");
}

TEST_CASE("value: numbers are compared as numbers, without gaps in the order") {
  CHECK(compare_numbers("9", "10") < 0);
  CHECK(compare_numbers("2.5", "2") > 0);
  CHECK(compare_numbers("-1e+300", "-5") < 0);
  CHECK(compare_numbers("7", "7") == 0);
  CHECK(compare_numbers("9007199254740993", "9007199254740992") > 0);
  CHECK(compare_numbers("9223372036854775807", "9.223372036854776e+18") != 0);
}

}  // namespace
}  // namespace edgepost::document
