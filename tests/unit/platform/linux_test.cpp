#include <doctest.h>
#include <sys/timex.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <ctime>
#include <string>

#include "platform/platform.hpp"
#include "support/fake_clock.hpp"

namespace edgepost {
namespace {

// What standard error receives while `body` runs.
template <typename Body>
std::string standard_error_of(Body body) {
  std::array<int, 2> pipe{};
  REQUIRE(::pipe(pipe.data()) == 0);
  const int saved = ::dup(STDERR_FILENO);
  ::dup2(pipe[1], STDERR_FILENO);
  body();
  ::dup2(saved, STDERR_FILENO);
  ::close(saved);
  ::close(pipe[1]);
  std::array<char, 4096> text{};
  const ssize_t size = ::read(pipe[0], text.data(), text.size());
  ::close(pipe[0]);
  return {text.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
}

TEST_CASE("clock: time never goes back, and time asleep counts since boot only") {
  const Clock& clock = *default_platform().clock;
  const Instant first = clock.now();
  const Instant second = clock.now();
  CHECK(first > Instant());
  CHECK(second >= first);
  CHECK(clock.since_boot() >= second);
}

TEST_CASE("clock: the wall clock is UTC since 1970 in microseconds") {
  const Timestamp expected(std::chrono::seconds(std::time(nullptr)));
  const Timestamp wall = default_platform().clock->wall();
  CHECK(wall >= expected);
  CHECK(wall - expected < std::chrono::minutes(1));
}

TEST_CASE("clock: the wall clock is trusted when the kernel says that it is synchronised") {
  timex kernel{};
  const int state = ::adjtimex(&kernel);
  const bool synchronised = state != TIME_ERROR && (kernel.status & STA_UNSYNC) == 0;
  CHECK(default_platform().clock->wall_is_trusted() == (state < 0 || synchronised));
}

TEST_CASE("random: bytes differ from call to call, and every byte is filled") {
  Random& random = *default_platform().random;
  std::array<std::byte, 512> first{};
  std::array<std::byte, 512> second{};
  random.fill(RandomUse::ids, first);
  random.fill(RandomUse::ids, second);
  CHECK(first != second);
  CHECK(std::count(first.begin(), first.end(), std::byte{0}) < 64);
}

TEST_CASE("platform: null members become the machine's own, others stay") {
  test::FakeClock clock;
  Platform wanted;
  wanted.clock = &clock;
  wanted.vfs = "flash";
  const Platform platform = complete(wanted);
  CHECK(platform.clock == &clock);
  CHECK(platform.random == default_platform().random);
  CHECK(platform.logger == default_platform().logger);
  CHECK(platform.vfs == "flash");
}

TEST_CASE("logger: nothing is written by default") {
  const std::string text = standard_error_of(
      [] { default_platform().logger->write(LogLevel::error, "store", "disk full"); });
  CHECK(text.empty());
}

TEST_CASE("logger: standard error gets one line per call, from the lowest level on") {
  const std::string text = standard_error_of([] {
    Logger& logger = standard_error_logger(LogLevel::warning);
    logger.write(LogLevel::info, "uplink", "online");
    logger.write(LogLevel::warning, "uplink", "link lost");
    logger.write(LogLevel::error, "store", "disk full");
  });
  CHECK(text == "warning uplink: link lost\nerror store: disk full\n");
}

TEST_CASE("logger: control characters in a line cannot fake another line") {
  const std::string text = standard_error_of([] {
    standard_error_logger(LogLevel::debug).write(LogLevel::debug, "mqtt", "a\nerror x: b\x1b[2J");
  });
  CHECK(text == "debug mqtt: a error x: b [2J\n");
}

}  // namespace
}  // namespace edgepost
