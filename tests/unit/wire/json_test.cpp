#include "wire/json.hpp"

#include <doctest.h>
#include <yyjson.h>

#include <array>
#include <random>
#include <string>

namespace edgepost::wire {
namespace {

std::string quoted(std::string_view text) {
  std::string out;
  append_json_string(text, out);
  return out;
}

/// The independent judge: another parser, in strict mode.
bool oracle_accepts(const std::string& text) {
  yyjson_doc* const document = yyjson_read(text.data(), text.size(), YYJSON_READ_NUMBER_AS_RAW);
  yyjson_doc_free(document);
  return document != nullptr;
}

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

/// Pieces that break JSON in interesting places.
constexpr std::array<std::string_view, 30> kPieces = {"{",
                                                      "}",
                                                      "[",
                                                      "]",
                                                      ",",
                                                      ":",
                                                      "\"",
                                                      "\\",
                                                      "0",
                                                      "-",
                                                      "1.5",
                                                      "e+9",
                                                      "E",
                                                      ".",
                                                      "true",
                                                      "fals",
                                                      "null",
                                                      " ",
                                                      "\n",
                                                      "\\u00e9",
                                                      "\\ud83d",
                                                      "\\ude00",
                                                      "\xC3\xA9",
                                                      "\xC3",
                                                      "\xED\xA0\x80",
                                                      "\x01",
                                                      "\xF0\x9F\x98\x80",
                                                      "/",
                                                      "\\/",
                                                      "\"a\":"};

/// Inserts a piece, removes or repeats a part, or changes a byte, some times over.
std::string mutated(std::string text, std::mt19937& random) {
  const auto below = [&random](std::size_t n) { return static_cast<std::size_t>(random()) % n; };
  for (std::size_t changes = below(4); changes > 0; --changes) {
    const std::size_t place = below(text.size() + 1);
    switch (below(4)) {
      case 0:
        text.insert(place, kPieces[below(kPieces.size())]);
        break;
      case 1:
        text.erase(place, 1 + below(3));
        break;
      case 2:
        text.insert(place, text.substr(below(text.size() + 1), below(6)));
        break;
      default:
        if (place < text.size()) text[place] = static_cast<char>(random());
    }
  }
  return text;
}

}  // namespace

TEST_CASE("json: a string is written with what must be escaped escaped") {
  CHECK(quoted("plain") == "\"plain\"");
  CHECK(quoted("a\"b\\c/") == "\"a\\\"b\\\\c/\"");
  CHECK(quoted("\b\t\n\f\r") == "\"\\b\\t\\n\\f\\r\"");
  CHECK(quoted(std::string_view("\0\x1F\x7F", 3)) == "\"\\u0000\\u001f\x7F\"");
  CHECK(quoted("\xC3\xA9\xF0\x9F\x98\x80") == "\"\xC3\xA9\xF0\x9F\x98\x80\"");
}

TEST_CASE("json: bytes that are not UTF-8 are written as replacement characters") {
  CHECK(quoted("a\xFF"
               "b") ==
        "\"a\xEF\xBF\xBD"
        "b\"");
  CHECK(quoted("\xC0\xAF") == "\"\xEF\xBF\xBD\xEF\xBF\xBD\"");
  CHECK(quoted("\xC3") == "\"\xEF\xBF\xBD\"");
}

TEST_CASE("json: any bytes make a string that parses") {
  std::mt19937 random(7);
  for (int i = 0; i < 2'000; ++i) {
    std::string bytes(random() % 20, '\0');
    for (char& c : bytes)
      c = static_cast<char>(random());
    REQUIRE(oracle_accepts(quoted(bytes)));
  }
}

TEST_CASE("json: the extent of a value is found in front of what follows it") {
  const JsonExtent object = scan_json(" \n{\"a\":[1,{}]} ,\"b\"");
  CHECK(object.is_valid);
  CHECK(object.begin == 2);
  CHECK(object.end == 14);
  CHECK(scan_json("[1, 2 3]").end == 6);
  CHECK_FALSE(scan_json("[1, 2 3]").is_valid);
}

TEST_CASE("json: one value and white space is valid, anything more is not") {
  CHECK(is_json(" {\"a\": null} \r\n\t"));
  CHECK(is_json("-0.0e-0"));
  CHECK_FALSE(is_json(""));
  CHECK_FALSE(is_json("1 2"));
  CHECK_FALSE(is_json("{} x"));
  CHECK_FALSE(is_json("\xEF\xBB\xBF{}"));
  CHECK_FALSE(is_json(std::string_view("1\0", 2)));
}

TEST_CASE("json: nesting is bounded at 64 [P-62]") {
  CHECK(is_json(nested(64)));
  CHECK_FALSE(is_json(nested(65)));
  CHECK_FALSE(is_json(std::string(1'000'000, '[')));
}

TEST_CASE("json: random mutations are judged as an independent parser judges them") {
  const std::array<std::string, 4> seeds = {
      R"({"id":"1","n":[0,-1.25e+10,true,false,null],"s":"a\u00e9\ud83d\ude00\n\/","o":{"":{}}})",
      "[\"\xC3\xA9\xF0\x9F\x98\x80\", 1.5, [[], {}]] ", "-10.5E-3", "\"text\""};
  std::mt19937 random(20261121);
  int accepted = 0;
  for (int i = 0; i < 100'000; ++i) {
    const std::string text = mutated(seeds[random() % seeds.size()], random);
    const bool expected = oracle_accepts(text);
    accepted += expected ? 1 : 0;
    REQUIRE_MESSAGE(is_json(text) == expected, text);
  }
  CHECK(accepted > 10'000);
  CHECK(accepted < 90'000);
}

}  // namespace edgepost::wire
