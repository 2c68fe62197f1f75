#include "tls/names.hpp"

#include <doctest.h>

namespace edgepost::tls {
namespace {

TEST_CASE("names: a name stands for itself, without regard to case") {
  CHECK(is_name_for("gate.example", "gate.example"));
  CHECK(is_name_for("Gate.EXAMPLE", "gate.example"));
  CHECK_FALSE(is_name_for("gate.example", "a.gate.example"));
  CHECK_FALSE(is_name_for("gate.example", "gate.example.org"));
  CHECK_FALSE(is_name_for("", "gate.example"));
}

TEST_CASE("names: a wildcard stands for one whole leftmost label") {
  CHECK(is_name_for("*.gate.example", "a.gate.example"));
  CHECK(is_name_for("*.GATE.example", "a.gate.Example"));
  CHECK_FALSE(is_name_for("*.gate.example", "gate.example"));
  CHECK_FALSE(is_name_for("*.gate.example", ".gate.example"));
  CHECK_FALSE(is_name_for("*.gate.example", "a.b.gate.example"));
  CHECK_FALSE(is_name_for("a*.gate.example", "ab.gate.example"));
  CHECK_FALSE(is_name_for("*a.gate.example", "ba.gate.example"));
  CHECK_FALSE(is_name_for("a.*.example", "a.gate.example"));
  CHECK_FALSE(is_name_for("**.gate.example", "a.gate.example"));
}

TEST_CASE("names: a wildcard never stands directly under a top-level domain, nor alone") {
  CHECK_FALSE(is_name_for("*.example", "gate.example"));
  CHECK_FALSE(is_name_for("*.", "gate."));
  CHECK_FALSE(is_name_for("*", "gate"));
  CHECK_FALSE(is_name_for("*", "gate.example"));
}

TEST_CASE("names: addresses are told from names, and back") {
  CHECK(address_bytes("127.0.0.1") == std::string("\x7f\0\0\x01", 4));
  CHECK(address_bytes("::1") == std::string(15, '\0') + '\x01');
  CHECK(address_bytes("gate.example").empty());
  CHECK(address_bytes("127.1").empty());
  CHECK(address_text(address_bytes("10.0.0.1")) == "10.0.0.1");
  CHECK(address_text(address_bytes("fe80::1")) == "fe80::1");
  CHECK(address_text("abc").empty());
}

TEST_CASE("names: what a peer calls itself is shown without control characters, and cut") {
  CHECK(printable("a\nb\x1b\x7f") == "a?b??");
  CHECK(printable("\xc3\xa4") == "??");
  CHECK(printable(std::string(101, 'x')) == std::string(100, 'x') + "...");
}

}  // namespace
}  // namespace edgepost::tls
