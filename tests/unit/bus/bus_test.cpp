#include "edgepost/bus.hpp"

#include <doctest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using edgepost::Bus;
using edgepost::BusStatus;
using edgepost::Code;
using edgepost::Event;
using edgepost::Handler;
using edgepost::Status;
using edgepost::Subscription;

namespace {

// A bus whose handlers write their names down.
class Firmware {
 public:
  // Each call writes `name`, then does `work`.
  Subscription listen(
      std::string_view filter, const std::string& name, std::function<void()> work = [] {}) {
    return subscribe(filter, [this, name, work](const Event&) {
      heard_ += name;
      work();
      return Status();
    });
  }

  Subscription subscribe(std::string_view filter, Handler handler) {
    return bus->subscribe(filter, std::move(handler)).value();
  }

  Code publish(std::string_view topic) {
    Event event;
    event.topic = topic;
    return bus->publish(event).code();
  }

  // The names written since the last look.
  std::string heard() { return std::exchange(heard_, {}); }

  std::optional<Bus> bus = std::optional<Bus>(std::in_place);

 private:
  std::string heard_;
};

std::string refusal(Bus& bus, std::string_view filter, Handler handler) {
  const auto result = bus.subscribe(filter, std::move(handler));
  CHECK(result.status().code() == Code::invalid_argument);
  return result.status().message();
}

}  // namespace

TEST_CASE("bus: an event reaches those whose filter matches, before publish returns") {
  Firmware firmware;
  const Subscription exact = firmware.listen("oven/1/temperature", "e");
  const Subscription level = firmware.listen("oven/+/temperature", "l");
  const Subscription other = firmware.listen("door/#", "o");
  CHECK(firmware.publish("oven/1/temperature") == Code::ok);
  CHECK(firmware.heard() == "el");
  CHECK(firmware.publish("nobody/listens") == Code::ok);
  CHECK(firmware.heard().empty());
}

TEST_CASE("bus: a handler receives the event as it was published") {
  Firmware firmware;
  Event event;
  event.topic = "oven";
  event.data = std::string("\0\xFF", 2);
  event.key = "oven-1";
  std::optional<Event> received;
  const Subscription subscription = firmware.subscribe("#", [&](const Event& heard) {
    received = heard;
    return Status();
  });
  CHECK(firmware.bus->publish(event).is_ok());
  CHECK(received == event);
}

TEST_CASE("bus: handlers are called in the order of subscribing") {
  Firmware firmware;
  std::vector<Subscription> subscriptions;
  subscriptions.push_back(firmware.listen("#", "1"));
  subscriptions.push_back(firmware.listen("a", "2"));
  subscriptions.push_back(firmware.listen("+", "3"));
  subscriptions.push_back(firmware.listen("a", "4"));
  firmware.publish("a");
  CHECK(firmware.heard() == "1234");
  subscriptions[1] = firmware.listen("a", "5");
  firmware.publish("a");
  CHECK(firmware.heard() == "1345");
}

TEST_CASE("bus: a wrong filter and an empty handler are refused") {
  Bus bus;
  const auto ignore = [](const Event&) { return Status(); };
  CHECK(refusal(bus, "a/b#", ignore) == "filter: byte 3 is '#', a wildcard must be a whole level");
  CHECK(refusal(bus, "a", nullptr) == "handler: empty, a function is wanted");
  CHECK(bus.status().subscriptions == 0);
}

TEST_CASE("bus: a failing handler is counted and stops nobody") {
  Firmware firmware;
  const Subscription failing =
      firmware.subscribe("a", [](const Event&) { return Status(Code::full, "no room"); });
  const Subscription good = firmware.listen("a", "g");
  CHECK(firmware.publish("a") == Code::ok);
  CHECK(firmware.heard() == "g");
  const BusStatus status = firmware.bus->status();
  CHECK(status.subscriptions == 2);
  CHECK(status.published == 1);
  CHECK(status.delivered == 2);
  CHECK(status.failed == 1);
}

TEST_CASE("subscription: it ends when it is destroyed, overwritten or told so") {
  Firmware firmware;
  std::optional<Subscription> first = firmware.listen("a", "1");
  Subscription second = firmware.listen("a", "2");
  Subscription third = firmware.listen("a", "3");
  first.reset();
  second = Subscription();
  third.unsubscribe();
  CHECK_FALSE(third.is_active());
  firmware.publish("a");
  CHECK(firmware.heard().empty());
  CHECK(firmware.bus->status().subscriptions == 0);
}

TEST_CASE("subscription: it goes on when it is moved") {
  Firmware firmware;
  Subscription first = firmware.listen("a", "1");
  Subscription second = std::move(first);
  Subscription& same = second;
  second = std::move(same);
  CHECK(second.is_active());
  firmware.publish("a");
  CHECK(firmware.heard() == "1");
}

TEST_CASE("subscription: ending it destroys what the handler holds") {
  Firmware firmware;
  const auto resource = std::make_shared<int>(7);
  Subscription subscription =
      firmware.subscribe("a", [resource](const Event&) { return Status(); });
  firmware.publish("a");
  CHECK(resource.use_count() == 2);
  subscription.unsubscribe();
  CHECK(resource.use_count() == 1);
}

TEST_CASE("subscription: it may outlive its bus, whose end drops the handlers") {
  Firmware firmware;
  const auto resource = std::make_shared<int>(7);
  Subscription subscription =
      firmware.subscribe("a", [resource](const Event&) { return Status(); });
  firmware.bus.reset();
  CHECK(resource.use_count() == 1);
  subscription.unsubscribe();
  CHECK_FALSE(subscription.is_active());
}

TEST_CASE("subscription: a handler may own it") {
  Firmware firmware;
  auto own = std::make_shared<Subscription>();
  const std::weak_ptr<Subscription> watch = own;
  *own = firmware.subscribe("a", [own](const Event&) {
    own->unsubscribe();
    return Status();
  });
  firmware.publish("a");
  CHECK(own.use_count() == 1);
  *own = firmware.subscribe("a", [own](const Event&) { return Status(); });
  own->unsubscribe();
  CHECK(own.use_count() == 1);
  *own = firmware.subscribe("a", [own](const Event&) { return Status(); });
  own.reset();
  firmware.bus.reset();
  CHECK(watch.expired());
}

TEST_CASE("bus: a handler that subscribes hears of it from the next publish on") {
  Firmware firmware;
  Subscription late;
  const Subscription first = firmware.listen("a", "1", [&] {
    if (!late.is_active()) late = firmware.listen("a", "2");
  });
  firmware.publish("a");
  CHECK(firmware.heard() == "1");
  firmware.publish("a");
  CHECK(firmware.heard() == "12");
}

TEST_CASE("bus: a handler that subscribes and publishes is heard by the new one") {
  Firmware firmware;
  Subscription late;
  const Subscription first = firmware.listen("a", "1", [&] {
    late = firmware.listen("b", "2");
    firmware.publish("b");
  });
  firmware.publish("a");
  CHECK(firmware.heard() == "12");
}

TEST_CASE("bus: a handler that is unsubscribed during a publish is left out of it") {
  Firmware firmware;
  Subscription second;
  const Subscription first = firmware.listen("a", "1", [&] { second.unsubscribe(); });
  second = firmware.listen("a", "2");
  const Subscription third = firmware.listen("a", "3");
  firmware.publish("a");
  CHECK(firmware.heard() == "13");
  CHECK(firmware.bus->status().delivered == 2);
}

TEST_CASE("subscription: its own handler may end it and goes on to its end") {
  Firmware firmware;
  const auto resource = std::make_shared<int>(7);
  Subscription own;
  own = firmware.listen("a", "1", [&firmware, &own, resource] {
    own.unsubscribe();
    CHECK(resource.use_count() >= 2);
    firmware.publish("a");
  });
  firmware.publish("a");
  firmware.publish("a");
  CHECK(firmware.heard() == "1");
  CHECK(resource.use_count() == 1);
}

TEST_CASE("subscription: a handler that its own handler caused may end it") {
  Firmware firmware;
  Subscription outer = firmware.listen("a", "1", [&] {
    firmware.publish("b");
    firmware.publish("a");
  });
  const Subscription inner = firmware.listen("b", "2", [&] { outer.unsubscribe(); });
  firmware.publish("a");
  CHECK(firmware.heard() == "12");
}

TEST_CASE("bus: handlers publish into each other 16 deep and not deeper") {
  Firmware firmware;
  std::vector<Code> codes;
  const Subscription loop =
      firmware.listen("a", "x", [&] { codes.push_back(firmware.publish("a")); });
  CHECK(firmware.publish("a") == Code::ok);
  CHECK(firmware.heard() == std::string(16, 'x'));
  CHECK(codes.front() == Code::wrong_state);
  CHECK(codes.back() == Code::ok);
  CHECK(firmware.bus->status().published == 16);
  CHECK(firmware.publish("b") == Code::ok);
}

TEST_CASE("bus: two buses in one process know nothing of each other") {
  Firmware one;
  Firmware two;
  const Subscription first = one.listen("#", "1", [&] { two.publish("a"); });
  const Subscription second = two.listen("#", "2");
  one.publish("a");
  CHECK(one.heard() == "1");
  CHECK(two.heard() == "2");
  CHECK(two.bus->status().published == 1);
}
