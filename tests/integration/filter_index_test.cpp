// The bus's index of filters, and topic_matches, against the matcher of another make.
#include "bus/filter_index.hpp"

#include <doctest.h>
#include <mosquitto.h>

#include <memory>
#include <string>
#include <vector>

#include "base/topic.hpp"
#include "support/filters.hpp"

using namespace edgepost;

namespace {

struct Subscriber : bus::Listener {
  std::string filter;
};

bool mosquitto_matches(const std::string& filter, const std::string& topic) {
  bool result = false;
  REQUIRE(mosquitto_topic_matches_sub(filter.c_str(), topic.c_str(), &result) == MOSQ_ERR_SUCCESS);
  return result;
}

}  // namespace

TEST_CASE("filter index: on 400,000 random pairs it agrees with mosquitto's matcher") {
  test::TopicGenerator generator(5);
  std::size_t found = 0;
  int wrong = 0;
  for (int round = 0; round < 20; ++round) {
    bus::FilterIndex index;
    std::vector<std::unique_ptr<Subscriber>> subscribers;
    std::vector<bus::Retired> retired;
    for (std::uint64_t rank = 0; rank < 200; ++rank) {
      auto& subscriber = subscribers.emplace_back(std::make_unique<Subscriber>());
      subscriber->rank = rank;
      subscriber->filter = generator.filter();
      index.insert(subscriber->filter, subscriber.get(), retired);
    }
    bus::Matches matches;
    for (int i = 0; i < 100; ++i) {
      const std::string topic = generator.topic();
      bus::Matches expected;
      for (const auto& subscriber : subscribers) {
        const bool is_expected = mosquitto_matches(subscriber->filter, topic);
        if (is_expected) expected.push_back(subscriber.get());
        if (topic_matches(subscriber->filter, topic) != is_expected) ++wrong;
      }
      index.match(topic, matches);
      CAPTURE(topic);
      CHECK(matches == expected);
      found += expected.size();
    }
    for (const bus::Retired& old : retired)
      old.destroy(old.object);
  }
  CHECK(wrong == 0);
  CHECK(found > 10'000);  // else the texts hardly ever met, and nothing was proven
}
