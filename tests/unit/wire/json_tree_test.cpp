#include "wire/json_tree.hpp"

#include <doctest.h>

namespace edgepost::wire {
namespace {

JsonNode root_of(std::string_view json) {
  JsonTree tree = read_json_tree(json);
  CHECK(tree.error.empty());
  return std::move(tree.root);
}

/// The line of the error, and 0 when there is none.
unsigned error_line(std::string_view json) {
  const JsonTree tree = read_json_tree(json);
  return tree.error.empty() ? 0 : tree.error_line;
}

TEST_CASE("json tree: each value knows its path and its line") {
  const JsonNode root = root_of(
      "{\n \"a\": [\n  1,\n  {\"b\\n\\\"\": \"x\\\"]}\"},\n  []\n ],\n\n"
      " \"c\": {}, \"d\": \"\\u00e4\"\n}");
  CHECK(root.path == "$");
  CHECK(root.line == 1);
  REQUIRE(root.children.size() == 3);
  const JsonNode& a = root.children[0];
  CHECK(a.path == "$.a");
  CHECK(a.line == 2);
  REQUIRE(a.children.size() == 3);
  CHECK(a.children[0].path == "$.a[0]");
  CHECK(a.children[0].line == 3);
  CHECK(a.children[1].children.front().name == "b\n\"");
  CHECK(a.children[1].children.front().text == "x\"]}");
  CHECK(a.children[1].line == 4);
  CHECK(a.children[2].line == 5);
  CHECK(root.find("c")->line == 8);
  CHECK(root.find("d")->line == 8);
  CHECK(root.find("d")->text == "\u00e4");
  CHECK(root.find("e") == nullptr);
}

TEST_CASE("json tree: scalars keep what was written") {
  const JsonNode root = root_of("[null, true, false, 18446744073709551615, -1.50e3, \"\"]");
  REQUIRE(root.children.size() == 6);
  CHECK(root.children[0].kind == JsonKind::null);
  CHECK(root.children[1].text == "true");
  CHECK(root.children[2].text == "false");
  CHECK(root.children[2].kind == JsonKind::boolean);
  CHECK(root.children[3].text == "18446744073709551615");
  CHECK(root.children[4].text == "-1.50e3");
  CHECK(root.children[4].kind == JsonKind::number);
  CHECK(root.children[5].kind == JsonKind::text);
  CHECK(root_of(" 7 ").text == "7");
}

TEST_CASE("json tree: what breaks a rule is told with its line") {
  CHECK(error_line("{\n\"a\": 1\n\"b\": 2}") == 3);
  CHECK(error_line("[1\n2]") == 2);
  CHECK(error_line("") == 1);
  CHECK(error_line("{} x") == 1);
  CHECK(error_line("{\"a\": // no comments\n1}") == 1);
}

TEST_CASE("json tree: depth and size are bounded [P-62]") {
  CHECK(error_line(std::string(16, '[') + std::string(16, ']')) == 0);
  CHECK(error_line("[\n" + std::string(16, '[') + std::string(17, ']')) == 2);
  CHECK(error_line(std::string(100'000, '[') + std::string(100'000, ']')) == 1);
  CHECK(error_line("\"" + std::string(1024 * 1024, 'x') + "\"") == 1);
}

}  // namespace
}  // namespace edgepost::wire
