#include "cli/metrics_file.hpp"

#include <doctest.h>

#include <filesystem>

#include "support/process.hpp"
#include "support/temp_dir.hpp"

namespace edgepost::cli {
namespace {

TEST_CASE("metrics file: the old text is replaced as a whole, and nothing else is left there") {
  const test::TempDir dir;
  REQUIRE(replace_file(dir.file("metrics"), "a long text\n").is_ok());
  REQUIRE(replace_file(dir.file("metrics"), "short\n").is_ok());
  CHECK(test::read_file(dir.file("metrics")) == "short\n");
  const std::filesystem::directory_iterator files(dir.path());
  CHECK(std::distance(begin(files), end(files)) == 1);
}

TEST_CASE("metrics file: it is known for another one by any path") {
  const test::TempDir dir;
  test::write_file(dir.file("database"), "x");
  CHECK(is_same_file(dir.file("database"), dir.path() + "/./database"));
  CHECK(is_same_file(dir.file("new"), dir.file("new")));
  CHECK_FALSE(is_same_file(dir.file("metrics"), dir.file("database")));
  CHECK_FALSE(is_same_file("", ""));
}

TEST_CASE("metrics file: a failure names the file") {
  const Status status = replace_file("/not/there/metrics", "x");
  CHECK(status.code() == Code::io_error);
  CHECK(status.message().find("/not/there/metrics") != std::string::npos);
}

}  // namespace
}  // namespace edgepost::cli
