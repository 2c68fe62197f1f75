#include <doctest.h>

#include "edgepost/secret.hpp"
#include "support/process.hpp"
#include "support/temp_dir.hpp"

using namespace edgepost;

TEST_CASE("secret: it comes from a value, the first line of a file, or a function [P-61]") {
  const test::TempDir directory;
  test::write_file(directory.file("key"), "hush\r\nmore\n");
  CHECK(*read_secret({.value = "hush"}) == "hush");
  CHECK(*read_secret({.file = directory.file("key")}) == "hush");
  CHECK(*read_secret({.source = [] { return Result<std::string>("hush"); }}) == "hush");
  CHECK(read_secret({.value = std::string("\0\0", 2)})->size() == 2);  // a key has any bytes
  CHECK(Secret{}.is_empty());
}

TEST_CASE("secret: what is wrong with it is told without it [P-61]") {
  const test::TempDir directory;
  test::write_file(directory.file("empty"), "\n");
  const auto complaint = [](const Secret& secret) { return read_secret(secret).status(); };
  CHECK(complaint({}).message() == "secret: there is none");
  CHECK(complaint({.value = "hush", .file = "x"}).message() ==
        "secret: value, file and source exclude each other");
  CHECK(complaint({.file = directory.file("empty")}).code() == Code::invalid_argument);
  CHECK(complaint({.file = directory.file("missing")}).code() == Code::io_error);
  CHECK(complaint({.value = std::string(70'000, 'x')}).message() ==
        "secret: it is longer than 64 KiB");
}
