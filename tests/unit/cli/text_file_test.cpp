#include "cli/text_file.hpp"

#include <doctest.h>

#include <fstream>

#include "support/temp_dir.hpp"

namespace edgepost::cli {
namespace {

TEST_CASE("text file: it is read as a whole, up to the limit") {
  const test::TempDir dir;
  const std::string text(100'000, 'x');
  std::ofstream(dir.file("text")) << text;
  const auto read = read_file(dir.file("text"), text.size());
  REQUIRE(read);
  CHECK(*read == text);
}

TEST_CASE("text file: one that is too long, or never ends, is refused by name [P-62]") {
  const Status status = read_file("/dev/zero", 1'000).status();
  CHECK(status.code() == Code::invalid_argument);
  CHECK(status.message() == "/dev/zero: it has more than 1000 bytes");
}

TEST_CASE("text file: a directory, and what is not there, are told by name") {
  for (const char* const path : {"/tmp", "/not/there"}) {
    const Status status = read_file(path, 1'000).status();
    CHECK(status.code() == Code::io_error);
    CHECK(status.message().starts_with(std::string("cannot read ") + path + ": "));
  }
}

}  // namespace
}  // namespace edgepost::cli
