#include "transport/mqtt/answers.hpp"

#include <doctest.h>

#include <initializer_list>

namespace edgepost::mqtt {
namespace {

using enum AnswerClass;

using Read = Answer (*)(int code);
Answer connect_v5(int code) { return connect_answer(code, true); }
Answer connect_v311(int code) { return connect_answer(code, false); }

void check(Read read, AnswerClass expected, std::initializer_list<int> codes) {
  for (const int code : codes) {
    CHECK_MESSAGE(read(code).meaning == expected, code);
    CHECK_MESSAGE(read(code).reason.empty() == (expected == acknowledged), code);
  }
}

}  // namespace

TEST_CASE("mqtt answers: a PUBACK is proof only with a success code [P-05]") {
  check(publish_answer, acknowledged, {0x00, 0x10});
  for (int code = 0; code < 256; ++code) {
    if (code != 0x00 && code != 0x10) CHECK(publish_answer(code).meaning != acknowledged);
    CHECK(connect_v5(code).meaning != acknowledged);
    CHECK(connect_v311(code).meaning != acknowledged);
    CHECK(disconnect_answer(code).meaning != acknowledged);
  }
}

TEST_CASE("mqtt answers: a refused publish says what to do about it") {
  check(publish_answer, suspect, {0x80, 0x83, 0x90, 0x99});
  check(publish_answer, configuration, {0x87});
  check(publish_answer, slow_down, {0x91, 0x93, 0x97});
  check(publish_answer, too_large, {0x95});
  CHECK(publish_answer(0x87).reason == "publish refused: not authorized (135)");
}

TEST_CASE("mqtt answers: a refused connection says who has to change what [P-14]") {
  check(connect_v5, credentials, {0x86, 0x87, 0x8A});
  check(connect_v5, configuration, {0x84, 0x85, 0x8C, 0x90, 0x95, 0x99, 0x9A, 0x9B, 0x9C, 0x9D});
  check(connect_v5, link_down, {0x80, 0x81, 0x82, 0x83, 0x88, 0x89});
  check(connect_v5, slow_down, {0x97, 0x9F});
  check(connect_v311, configuration, {1, 2});
  check(connect_v311, link_down, {3, 6, 0x87});
  check(connect_v311, credentials, {4, 5});
  CHECK(connect_v311(5).reason == "connection refused: not authorized (5)");
}

TEST_CASE("mqtt answers: a disconnect is a lost link unless the broker asks for more") {
  check(disconnect_answer, link_down, {0x00, 0x81, 0x82, 0x8B, 0x8D, 0x8E, 0x98, 0x9C, 0x9D});
  check(disconnect_answer, slow_down, {0x93, 0x96, 0x97, 0x9F});
  check(disconnect_answer, credentials, {0x87, 0x8A});
  check(disconnect_answer, too_large, {0x95});
  CHECK(disconnect_answer(0x8E).reason ==
        "disconnected by the broker: session taken over: another client uses this client id (142)");
  CHECK(disconnect_answer(0xFF).reason == "disconnected by the broker: unknown reason (255)");
}

TEST_CASE("mqtt answers: a refused subscription is a matter of configuration, unless time helps") {
  const auto v5 = [](int code) { return subscribe_answer(code, true); };
  for (const int code : {0x80, 0x83, 0x87, 0x8F, 0x9E, 0xA1, 0xA2})
    CHECK(v5(code).meaning == configuration);
  CHECK(v5(0x97).meaning == slow_down);
  CHECK(v5(0x91).meaning == link_down);
  CHECK(v5(0x87).reason == "subscription refused: not authorized (135)");
  CHECK(subscribe_answer(0x80, false).reason == "subscription refused: failure (128)");
}

}  // namespace edgepost::mqtt
