#include "cli/lines.hpp"

#include <doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <string_view>

namespace edgepost::cli {
namespace {

constexpr std::size_t kLineBytesMax = 10;

class Pipe {
 public:
  Pipe() { REQUIRE(pipe(ends_.data()) == 0); }
  ~Pipe() {
    close(ends_[0]);
    end();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  void write(std::string_view text) const {
    REQUIRE(::write(ends_[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  void end() {
    if (ends_[1] >= 0) close(ends_[1]);
    ends_[1] = -1;
  }
  int read_end() const { return ends_[0]; }

 private:
  std::array<int, 2> ends_{-1, -1};
};

struct Input : Pipe {
  LineReader reader{read_end(), kLineBytesMax};

  /// The next line in brackets, or the word for what else was met.
  std::string next() {
    std::string line;
    const auto met = reader.next(line, 0);
    if (!met) return std::string(to_string(met.status().code()));
    if (*met == Met::line) return "[" + line + "]";
    return *met == Met::pause ? "pause" : "end";
  }
};

TEST_CASE("lines: each line comes once, empty ones and the unfinished last one too") {
  Input input;
  input.write("one\n\ntwo\r\nthree");
  CHECK(input.next() == "[one]");
  CHECK(input.next() == "[]");
  CHECK(input.next() == "[two\r]");
  CHECK(input.next() == "pause");
  input.end();
  CHECK(input.reader.bytes() == 10);
  CHECK(input.next() == "[three]");
  CHECK(input.reader.bytes() == 15);
  CHECK(input.next() == "end");
  CHECK(input.next() == "end");
}

TEST_CASE("lines: a line that comes in pieces is whole") {
  Input input;
  input.write("on");
  CHECK(input.next() == "pause");
  input.write("e");
  CHECK(input.next() == "pause");
  input.write("\ntwo\n");
  CHECK(input.next() == "[one]");
  CHECK(input.next() == "[two]");
  input.end();
  CHECK(input.next() == "end");
}

TEST_CASE("lines: a NUL byte is part of its line") {
  Input input;
  input.write(std::string_view("a\0b\n", 4));
  CHECK(input.next() == std::string_view("[a\0b]", 5));
}

TEST_CASE("lines: a line over the limit is refused, finished or not") {
  Input finished;
  finished.write("0123456789\n0123456789x\n");
  CHECK(finished.next() == "[0123456789]");
  CHECK(finished.next() == "invalid_argument");
  Input unfinished;
  unfinished.write("0123456789x");
  CHECK(unfinished.next() == "invalid_argument");
}

TEST_CASE("lines: a descriptor that cannot be read is an error") {
  const int directory = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  std::string line;
  CHECK(LineReader(directory, kLineBytesMax).next(line, 0).status().code() == Code::io_error);
  close(directory);
}

}  // namespace
}  // namespace edgepost::cli
