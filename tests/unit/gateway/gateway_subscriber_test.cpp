#include <doctest.h>

#include "support/gateway_fixture.hpp"

using namespace edgepost;
using namespace std::chrono_literals;
using test::GatewayFixture;

namespace {

struct AddFixture : GatewayFixture {
  AddFixture() {
    subscription.stream = "outbox";
    subscription.consumer.name = "worker";
  }

  Code add() {
    return gateway->add_subscriber(subscription, [](const Event&) { return Status(); }).code();
  }

  SubscriberOptions subscription;
};

}  // namespace

TEST_CASE_FIXTURE(AddFixture, "gateway: a wrong subscription is refused, naming what is wrong") {
  open();
  CHECK(gateway->add_subscriber(subscription, {}).code() == Code::invalid_argument);
  for (const unsigned workers : {0U, 65U}) {
    subscription.workers = workers;
    CHECK(add() == Code::invalid_argument);
  }
  subscription.workers = 1;
  subscription.breaker.open_for = 0s;
  CHECK(add() == Code::invalid_argument);
  subscription.breaker.open_for = 25h;
  CHECK(add() == Code::invalid_argument);
  subscription.breaker = {};
  subscription.consumer.name = "No";
  CHECK(add() == Code::invalid_argument);
  subscription.consumer.name = "worker";
  subscription.stream = "nothing";
  CHECK(add() == Code::not_found);
  CHECK(outbox().consumers.empty());
}

TEST_CASE_FIXTURE(AddFixture, "gateway: subscriptions are added while it stands, by its owner") {
  open();
  CHECK(add() == Code::ok);
  CHECK(add() == Code::already_exists);
  REQUIRE(gateway->start().is_ok());
  subscription.consumer.name = "second";
  CHECK(add() == Code::wrong_state);
  gateway->stop();
  CHECK(add() == Code::ok);
  CHECK(gateway->status().subscribers.size() == 2);
  options.access = Access::read;
  open();
  subscription.consumer.name = "third";
  CHECK(add() == Code::wrong_state);
}
