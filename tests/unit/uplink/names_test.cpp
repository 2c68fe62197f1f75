#include <doctest.h>

#include "edgepost/transport.hpp"
#include "edgepost/uplink.hpp"

namespace edgepost {
namespace {

TEST_CASE("names: each state is called as in the enum") {
  CHECK(to_string(UplinkState::stopped) == "stopped");
  CHECK(to_string(UplinkState::waiting) == "waiting");
  CHECK(to_string(UplinkState::connecting) == "connecting");
  CHECK(to_string(UplinkState::online) == "online");
  CHECK(to_string(UplinkState::draining) == "draining");
  CHECK(to_string(UplinkState::blocked) == "blocked");
}

TEST_CASE("names: each class of answer is called as in the enum") {
  CHECK(to_string(AnswerClass::acknowledged) == "acknowledged");
  CHECK(to_string(AnswerClass::link_down) == "link_down");
  CHECK(to_string(AnswerClass::slow_down) == "slow_down");
  CHECK(to_string(AnswerClass::credentials) == "credentials");
  CHECK(to_string(AnswerClass::configuration) == "configuration");
  CHECK(to_string(AnswerClass::too_large) == "too_large");
  CHECK(to_string(AnswerClass::suspect) == "suspect");
}

}  // namespace
}  // namespace edgepost
