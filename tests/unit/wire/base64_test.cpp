#include "wire/base64.hpp"

#include <doctest.h>

#include <string>

namespace edgepost::wire {
namespace {

std::string encoded(std::string_view bytes) {
  std::string out;
  append_base64(bytes, out);
  return out;
}

std::string complaint(std::string_view text) { return parse_base64(text).status().message(); }

}  // namespace

TEST_CASE("base64: the vectors of RFC 4648 read and write alike") {
  CHECK(encoded("") == "");
  CHECK(encoded("f") == "Zg==");
  CHECK(encoded("fo") == "Zm8=");
  CHECK(encoded("foo") == "Zm9v");
  CHECK(encoded("foobar") == "Zm9vYmFy");
  CHECK(encoded("\xFB\xFF\xFE") == "+//+");
  CHECK(*parse_base64("Zm9vYmE=") == "fooba");
}

TEST_CASE("base64: every byte comes back") {
  std::string bytes;
  for (int i = 0; i < 256; ++i) {
    bytes.push_back(static_cast<char>(i));
    REQUIRE(*parse_base64(encoded(bytes)) == bytes);
  }
}

TEST_CASE("base64: what is not exactly base64 is refused, naming the position") {
  CHECK(complaint("Zm9") == "malformed base64 at byte 3");
  CHECK(complaint("Zm9v\nm9v") == "malformed base64 at byte 4");
  CHECK(complaint("Zm=v") == "malformed base64 at byte 2");
  CHECK(complaint("Z===") == "malformed base64 at byte 1");
  CHECK(complaint("====") == "malformed base64 at byte 0");
  CHECK(complaint("Zh==") == "malformed base64 at byte 1");
  CHECK(complaint("Zm9v-_==") == "malformed base64 at byte 4");
}

}  // namespace edgepost::wire
