#include "edgepost/status.hpp"

#include <doctest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

using edgepost::Code;
using edgepost::Result;
using edgepost::Status;

namespace {

struct Death {
  int signal = 0;      // what ended the process
  std::string output;  // what it wrote to standard error
};

// Runs `work` in a process of its own, because a failed assertion does not return.
Death die(void (*work)()) {
  std::array<int, 2> pipe_ends{};
  REQUIRE(::pipe(pipe_ends.data()) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit no_core{};
    ::setrlimit(RLIMIT_CORE, &no_core);
    ::signal(SIGABRT, SIG_DFL);  // doctest has its own
    ::dup2(pipe_ends[1], STDERR_FILENO);
    work();
    ::_exit(0);
  }
  ::close(pipe_ends[1]);
  Death death;
  std::array<char, 256> buffer{};
  for (ssize_t size = 0; (size = ::read(pipe_ends[0], buffer.data(), buffer.size())) > 0;) {
    death.output.append(buffer.data(), static_cast<std::size_t>(size));
  }
  ::close(pipe_ends[0]);
  int ending = 0;
  ::waitpid(child, &ending, 0);
  death.signal = WIFSIGNALED(ending) ? WTERMSIG(ending) : 0;
  return death;
}

void write_crash_record(const char* condition, const char*, int line) {
  const std::string record = "crash record: " + std::string(condition) + (line > 0 ? "" : "?");
  (void)!::write(STDERR_FILENO, record.data(), record.size());
}

}  // namespace

TEST_CASE("status: a failure carries its code and sentence, success carries neither") {
  const Status good;
  const Status bad(Code::full, "stream out: 4 MiB used of 4 MiB");
  CHECK(good.is_ok());
  CHECK(good.message().empty());
  CHECK_FALSE(bad.is_ok());
  CHECK(bad.code() == Code::full);
  CHECK(bad.message() == "stream out: 4 MiB used of 4 MiB");
}

TEST_CASE("status: every code has its name") {
  CHECK(to_string(Code::ok) == "ok");
  CHECK(to_string(Code::invalid_argument) == "invalid_argument");
  CHECK(to_string(Code::not_found) == "not_found");
  CHECK(to_string(Code::already_exists) == "already_exists");
  CHECK(to_string(Code::wrong_state) == "wrong_state");
  CHECK(to_string(Code::full) == "full");
  CHECK(to_string(Code::busy) == "busy");
  CHECK(to_string(Code::unavailable) == "unavailable");
  CHECK(to_string(Code::refused) == "refused");
  CHECK(to_string(Code::corrupt) == "corrupt");
  CHECK(to_string(Code::io_error) == "io_error");
  CHECK(to_string(Code::unsupported) == "unsupported");
}

TEST_CASE("result: it holds a value or the reason why there is none") {
  Result<std::string> good(std::string("value"));
  const Result<std::string> bad(Status(Code::busy, "pid 7"));
  CHECK(good.is_ok());
  CHECK(good.status().is_ok());
  CHECK(good->size() == 5);
  CHECK_FALSE(bad);
  CHECK(bad.status().code() == Code::busy);
}

TEST_CASE("result: what a loop walks over outlives the result it came from") {
  const auto read = [] { return Result<std::vector<int>>(std::vector<int>{1, 2, 3}); };
  static_assert(std::is_same_v<decltype(*read()), std::vector<int>>);
  static_assert(std::is_same_v<decltype(read().value()), std::vector<int>>);
  int sum = 0;
  for (const int value : *read())
    sum += value;
  CHECK(sum == 6);
}

TEST_CASE("result: moving the value out of a temporary copies nothing") {
  Result<std::unique_ptr<int>> kept(std::make_unique<int>(7));
  const std::unique_ptr<int> taken = *std::move(kept);
  CHECK(*taken == 7);
}

TEST_CASE("assertion: a failed one prints condition and place, then aborts") {
  const Death death = die([] { EDGEPOST_ASSERT(1 + 1 == 3); });
  CHECK(death.signal == SIGABRT);
  CHECK(death.output.starts_with("edgepost: assertion failed: 1 + 1 == 3 ("));
  CHECK(death.output.find("status_test.cpp:") != std::string::npos);
}

TEST_CASE("assertion: the host's handler runs instead, and the process still aborts") {
  const Death death = die([] {
    edgepost::set_assert_handler(write_crash_record);
    EDGEPOST_ASSERT(false);
  });
  CHECK(death.signal == SIGABRT);
  CHECK(death.output.starts_with("crash record: false"));
  CHECK(death.output.find("edgepost: assertion") == std::string::npos);
}

TEST_CASE("assertion: taking the value of a failure ends the process") {
  const Death death = die([] { (void)Result<int>(Status(Code::full, "no")).value(); });
  CHECK(death.signal == SIGABRT);
}
