#include "bus/recent.hpp"

#include <doctest.h>

#include <set>
#include <string>
#include <vector>

#include "edgepost/bus.hpp"

using edgepost::Bus;
using edgepost::Event;
using edgepost::Status;
using edgepost::Subscription;
using edgepost::bus::is_same;
using edgepost::bus::Recent;

namespace {

Event event_on(std::string topic) {
  Event event;
  event.topic = std::move(topic);
  return event;
}

}  // namespace

TEST_CASE("recent: texts of every length are the same, or differ at every place") {
  std::string text;
  for (int size = 0; size < 40; ++size) {
    CHECK(is_same(text, std::string(text)));
    CHECK_FALSE(is_same(text, text + "x"));
    for (std::size_t place = 0; place < text.size(); ++place) {
      std::string other = text;
      ++other[place];
      CHECK_FALSE(is_same(text, other));
      CHECK(Recent::hash(text) != Recent::hash(other));
    }
    text += static_cast<char>('a' + size % 26);
  }
}

TEST_CASE("recent: the topics of many devices spread over all places") {
  Recent recent;
  std::set<const Recent::Place*> places;
  for (int device = 0; device < 1'000; ++device)
    places.insert(
        &recent.at(Recent::hash("site/10/device/" + std::to_string(device) + "/temperature")));
  CHECK(places.size() == Recent::kPlaces);
}

TEST_CASE("recent: publishing to very many topics, again and again, reaches who listens") {
  Bus bus;
  std::vector<std::string> heard;
  const auto note = [&](const Event& event) {
    heard.push_back(event.topic);
    return Status();
  };
  const Subscription all = *bus.subscribe("device/+/temperature", note);
  const Subscription one = *bus.subscribe("device/7/temperature", note);
  for (int round = 0; round < 6; ++round) {
    for (int device = 0; device < 200; ++device) {
      const Event event = event_on("device/" + std::to_string(device) + "/temperature");
      const std::size_t before = heard.size();
      for (int again = 0; again < 1 + round % 3; ++again)
        CHECK(bus.publish(event).is_ok());
      const std::size_t wanted = (device == 7 ? 2U : 1U) * static_cast<std::size_t>(1 + round % 3);
      CHECK(heard.size() - before == wanted);
      CHECK(heard.back() == event.topic);
    }
  }
}

TEST_CASE("recent: a handler that publishes very much does not disturb the publish it is in") {
  Bus bus;
  std::string heard;
  const Subscription first = *bus.subscribe("outer/topic", [&](const Event& event) {
    if (event.data == "nested") return Status();
    for (int i = 0; i < 300; ++i) {
      Event other = event_on(i % 3 == 0 ? "outer/topic" : "other/" + std::to_string(i / 4));
      other.data = "nested";
      CHECK(bus.publish(other).is_ok());
    }
    heard += "1";
    return Status();
  });
  const Subscription second = *bus.subscribe("outer/topic", [&](const Event& event) {
    if (event.data != "nested") heard += "2";
    return Status();
  });
  for (int i = 0; i < 4; ++i)
    CHECK(bus.publish(event_on("outer/topic")).is_ok());
  CHECK(heard == "12121212");
}

TEST_CASE("recent: a topic that is known still sees every change of subscriptions") {
  Bus bus;
  int heard = 0;
  const auto count = [&](const Event&) {
    ++heard;
    return Status();
  };
  const Event event = event_on("oven/1/temperature");
  for (int i = 0; i < 3; ++i)
    CHECK(bus.publish(event).is_ok());
  Subscription subscription = *bus.subscribe("oven/#", count);
  for (int i = 0; i < 3; ++i)
    CHECK(bus.publish(event).is_ok());
  CHECK(heard == 3);
  subscription.unsubscribe();
  CHECK(bus.publish(event).is_ok());
  CHECK(heard == 3);
}
