#include "cli/progress.hpp"

#include <doctest.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <limits>
#include <string>

#include "support/fake_clock.hpp"

namespace edgepost::cli {
namespace {

using namespace std::chrono_literals;

/// What was written to `descriptor` and not read yet.
std::string read_all(int descriptor) {
  std::array<char, 4096> chunk;
  const ssize_t got = read(descriptor, chunk.data(), chunk.size());
  return got > 0 ? std::string(chunk.data(), static_cast<std::size_t>(got)) : std::string();
}

struct Terminal {
  int master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  int slave = -1;

  Terminal() {
    REQUIRE(grantpt(master) == 0);
    REQUIRE(unlockpt(master) == 0);
    slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    REQUIRE(slave >= 0);
  }
  ~Terminal() {
    close(slave);
    close(master);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
};

TEST_CASE("progress: the line shows as much as is known") {
  CHECK(progress_line({.events = 12'345, .total = 20'000, .share = 0.439}, 8'400) ==
        "[#############.................]  43 %  12,345/20,000  8,400/s");
  CHECK(progress_line({.events = 7, .share = 1.0}, 0) ==
        "[##############################] 100 %  7 events  0/s");
  CHECK(progress_line({.events = 1'234'567}, 999) == "1,234,567 events  999/s");
  CHECK(progress_line({.events = 1, .total = 2, .share = 0.999}, 1).find("]  99 %") == 31);
}

TEST_CASE("progress: no figure makes the line longer than a terminal is wide") {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  CHECK(progress_line({.events = kMost, .total = kMost, .share = 1.0}, kMost).size() == 79);
  CHECK(progress_line({.events = 3, .total = 2, .share = 1.5}, 1).find(" 100 %") == 32);
  CHECK(progress_line({.events = 0, .total = 2, .share = -0.5}, 1).find("   0 %") == 32);
}

TEST_CASE("progress: it is drawn at most ten times a second and taken away in the end") {
  const Terminal terminal;
  test::FakeClock clock;
  {
    Progress progress(clock, terminal.slave);
    progress.show({.events = 0});
    CHECK(read_all(terminal.master) == "\r0 events  0/s\033[K");
    for (std::uint64_t i = 1; i <= 99; ++i) {
      clock.advance(1ms);
      progress.show({.events = i});
    }
    CHECK(read_all(terminal.master).empty());
    clock.advance(1ms);
    progress.show({.events = 50});
    CHECK(read_all(terminal.master) == "\r50 events  500/s\033[K");
    progress.clear();
    CHECK(read_all(terminal.master) == "\r\033[K");
    clock.advance(100ms);
    progress.show({.events = 60});
    CHECK(read_all(terminal.master) == "\r60 events  300/s\033[K");
  }
  CHECK(read_all(terminal.master) == "\r\033[K");
}

TEST_CASE("progress: what is no terminal sees nothing") {
  std::array<int, 2> ends{-1, -1};
  REQUIRE(pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC) == 0);
  const test::FakeClock clock;
  {
    Progress progress(clock, ends[1]);
    progress.show({.events = 1, .total = 2, .share = 0.5});
  }
  CHECK(read_all(ends[0]).empty());
  Progress(clock, -1).show({.events = 1});
  close(ends[0]);
  close(ends[1]);
}

}  // namespace
}  // namespace edgepost::cli
