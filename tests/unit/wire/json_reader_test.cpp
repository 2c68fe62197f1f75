#include "wire/json_reader.hpp"

#include <doctest.h>

#include <string>

namespace edgepost::wire {
namespace {

std::string refusal_of(std::string_view object) { return read_members(object).status().message(); }

}  // namespace

TEST_CASE("json_reader: gives each member with its value as it stands") {
  const auto members = read_members(R"( {"a" : [1, {"b":2}] ,"\u0063":"x,}", "":null} )");
  REQUIRE(members.is_ok());
  REQUIRE(members->size() == 3);
  CHECK(find_member(*members, "a") == R"([1, {"b":2}])");
  CHECK(find_member(*members, "c") == R"("x,}")");
  CHECK(find_member(*members, "") == "null");
  CHECK(find_member(*members, "b").empty());
  CHECK(read_members("{}")->empty());
}

TEST_CASE("json_reader: gives each element of an array, up to a count") {
  const auto elements = read_elements(R"([1,"a,]" , [2] ,{}])", 4);
  REQUIRE(elements.is_ok());
  CHECK(*elements == std::vector<std::string_view>{"1", R"("a,]")", "[2]", "{}"});
  CHECK(read_elements(" [ ] ", 0)->empty());
  CHECK(read_elements("[1,2]", 1).status().message() == "JSON, byte 3: more than 1 elements");
  CHECK(read_elements("{}", 1).status().message() == "JSON, byte 0: not an array");
}

TEST_CASE("json_reader: refuses what is no single object, naming the byte [P-62]") {
  CHECK(refusal_of("") == "JSON, byte 0: malformed");
  CHECK(refusal_of("[1]") == "JSON, byte 0: not an object");
  CHECK(refusal_of(R"({"a":01})") == "JSON, byte 6: malformed");
  CHECK(refusal_of(R"({"a":1} x)") == "JSON, byte 8: something follows");
  CHECK(refusal_of(R"({"a":1,"\u0061":2})") == "JSON, byte 7: the name stood there before");
  std::string many = "{";
  for (int i = 0; i <= 256; ++i)
    many += "\"" + std::to_string(i) + "\":0,";
  many.back() = '}';
  CHECK(refusal_of(many).ends_with("more than 256 members"));
  CHECK(!read_members(std::string(100, '[') + std::string(100, ']')).is_ok());
}

TEST_CASE("json_reader: decodes every escape of a string") {
  CHECK(read_text(R"("a\"\\\/\b\f\n\r\t")").value() == "a\"\\/\b\f\n\r\t");
  CHECK(read_text(R"("\u0041\u00e9\u20AC\ud83d\ude00z")").value() == "A\u00e9\u20ac\U0001F600z");
  CHECK(read_text("12").status().code() == Code::invalid_argument);
}

}  // namespace edgepost::wire
