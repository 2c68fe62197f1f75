#include "transport/https/head_guard.hpp"

#include <doctest.h>

#include <string>
#include <string_view>

namespace edgepost::https {
namespace {

Status take(std::string_view text, HeadGuard& guard) {
  return guard.take(std::as_bytes(std::span(text.data(), text.size())));
}

Status take(std::string_view text) {
  HeadGuard guard;
  return take(text, guard);
}

}  // namespace

TEST_CASE("head_guard: lets an answer through, and anything behind its head") {
  CHECK(take("HTTP/1.1 200 OK\r\nA: b\r\n\r\n" + std::string(1000, '\n')).is_ok());
  CHECK(take("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n\n\n\n").is_ok());
  CHECK(take("HTTP/1.1 200 OK\r\nA: " + std::string(4000, 'x') + "\r\n\r\n").is_ok());
}

TEST_CASE("head_guard: a status line that would overflow the reader's stack ends it [P-62]") {
  const std::string is_long(200, 'x');
  CHECK(take("HTTP/1.1 200 " + is_long).message() == "the status line is over 128 bytes");
  CHECK(!take("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 " + is_long).is_ok());
  CHECK(!take("HTTP/1.1 100 Continue\r\nHTTP/1.1 200 " + is_long).is_ok());
  CHECK(take("HTTP/1.1 200 OK\nHTTP/1.1 200 OK").message() ==
        "a bare line feed in the head of the answer");
}

TEST_CASE("head_guard: a head without end is refused at its bound, in pieces of any size [P-62]") {
  HeadGuard guard;
  Status status = take("HTTP/1.1 200 OK\r\n", guard);
  for (int i = 0; i < 10'000 && status.is_ok(); ++i)
    status = take("A: 2345678\r\n", guard);
  CHECK(status.message() == "the head of the answer is over 64 KiB");
  guard.reset();
  CHECK(take("HTTP/1.1 200 OK\r\n\r\n", guard).is_ok());
}

}  // namespace edgepost::https
