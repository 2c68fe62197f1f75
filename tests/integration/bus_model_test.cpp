// The whole bus against a list of filters that is gone through one by one: in any run of
// subscribing, unsubscribing, publishing and stepping, each handler hears what it must and no more.
#include <doctest.h>

#include <algorithm>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "edgepost/bus.hpp"
#include "support/fake_clock.hpp"
#include "support/filters.hpp"

using namespace edgepost;

namespace {

using Texts = std::vector<std::string>;

bool naive_match(const std::string& filter, const std::string& topic) {
  return test::matches_naively(test::split_levels(filter), test::split_levels(topic));
}

// One subscription as the model knows it, and what its handler has really heard.
struct Party {
  std::string filter;
  SubscribeOptions options;
  int number = 0;
  bool is_over = false;
  std::map<std::string, unsigned> counts;   // for `every`, by topic
  std::map<std::string, std::string> last;  // for `on_change`, by topic
  std::deque<Event> queue;
  Texts must;
  std::shared_ptr<Texts> heard = std::make_shared<Texts>();
  Subscription subscription;
};

class World {
 public:
  explicit World(unsigned seed) : random_(seed) {}

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      const unsigned what = below(20);
      if (what < 4) subscribe();
      if (what == 4) unsubscribe();
      if (what >= 5 && what < 18) publish();
      if (what == 18) step();
      if (what == 19 && below(4) == 0) retain();
      check();
    }
    step();
    check();
  }

 private:
  unsigned below(unsigned end) { return static_cast<unsigned>(random_()) % end; }

  std::string text(bool is_filter) {
    static const char* const kLevels[] = {"a", "b", "", "c", "$x"};
    std::string text;
    const unsigned count = 1 + below(4);
    for (unsigned i = 0; i < count; ++i) {
      if (i > 0) text += '/';
      const unsigned level = below(is_filter ? 8 : 5);
      if (level < 5) text += kLevels[level];
      if (level == 5 || level == 6) text += '+';
      if (level == 7) return text + '#';
    }
    return text.empty() ? "a" : text;
  }

  SubscribeOptions options() {
    SubscribeOptions options;
    options.priority = static_cast<int>(below(3)) - 1;
    options.once = below(8) == 0;
    options.retained = below(3) == 0;
    if (below(4) == 0) options.where = [](const Event& event) { return event.data != "0"; };
    options.on_change = below(4) == 0;
    if (below(4) == 0) options.every = 1 + below(3);
    if (below(2) == 0) {
      options.run = below(2) == 0 ? Run::shared : Run::own;
      options.queue_capacity = std::size_t{1} << below(3);
      options.overflow = below(2) == 0 ? Overflow::drop_oldest : Overflow::drop_newest;
    }
    return options;
  }

  void subscribe() {
    auto party = std::make_unique<Party>();
    party->filter = text(true);
    party->options = options();
    party->number = ++numbers_;
    if (party->options.retained) {
      for (const auto& [topic, event] : kept_) {
        if (naive_match(party->filter, topic)) offer(*party, event);
      }
    }
    party->subscription =
        *bus_.subscribe(party->filter, party->options, [heard = party->heard](const Event& event) {
          heard->push_back(event.topic + "=" + event.data);
          return Status();
        });
    parties_.push_back(std::move(party));
    std::stable_sort(parties_.begin(), parties_.end(), [](const auto& one, const auto& other) {
      return one->options.priority > other->options.priority;
    });
  }

  void unsubscribe() {
    if (parties_.empty()) return;
    const auto place = parties_.begin() +
                       static_cast<std::ptrdiff_t>(below(static_cast<unsigned>(parties_.size())));
    CHECK((*place)->subscription.unsubscribe());
    parties_.erase(place);
  }

  void publish() {
    Event event{.topic = text(false), .data = std::to_string(below(3))};
    if (below(12) == 0) event.data.clear();
    if (below(2) == 0) {
      auto [found, is_new] = topics_.try_emplace(event.topic);
      if (is_new) found->second = *bus_.topic(event.topic);
      CHECK(bus_.publish(found->second, event).is_ok());
    } else {
      CHECK(bus_.publish(event).is_ok());
    }
    const bool is_kept = std::any_of(retained_.begin(), retained_.end(), [&](const auto& filter) {
      return naive_match(filter, event.topic);
    });
    if (is_kept && event.data.empty()) kept_.erase(event.topic);
    if (is_kept && !event.data.empty()) kept_[event.topic] = event;
    for (const auto& party : parties_) {
      if (naive_match(party->filter, event.topic)) offer(*party, event);
    }
  }

  static void offer(Party& party, const Event& event) {
    const SubscribeOptions& options = party.options;
    if (party.is_over) return;
    if (options.where && !options.where(event)) return;
    if (options.on_change) {
      const auto [found, is_new] = party.last.try_emplace(event.topic, event.data);
      if (!is_new && found->second == event.data) return;
      found->second = event.data;
    }
    if (options.every > 1 && party.counts[event.topic]++ % options.every != 0) return;
    if (options.run == Run::inline_) return hear(party, event);
    if (party.queue.size() == options.queue_capacity) {
      if (options.overflow == Overflow::drop_newest) return;
      party.queue.pop_front();
    }
    party.queue.push_back(event);
  }

  static void hear(Party& party, const Event& event) {
    if (party.is_over) return;
    party.must.push_back(event.topic + "=" + event.data);
    party.is_over = party.options.once;
  }

  void step() {
    while (bus_.step(clock_.now()) <= clock_.now()) {
    }
    for (const auto& party : parties_) {
      for (const Event& event : std::exchange(party->queue, {}))
        hear(*party, event);
    }
  }

  void retain() {
    retained_.push_back(text(true));
    CHECK(bus_.retain(retained_.back()).is_ok());
  }

  void check() {
    std::size_t active = 0;
    for (const auto& party : parties_) {
      INFO("subscription ", party->number, " to ", party->filter);
      REQUIRE(*party->heard == party->must);
      if (!party->is_over) ++active;
    }
    CHECK(bus_.status().subscriptions == active);
    CHECK(bus_.status().retained == kept_.size());
  }

  std::minstd_rand random_;
  test::FakeClock clock_;
  Bus bus_{BusOptions{.platform = {.clock = &clock_}, .threads = false}};
  std::map<std::string, Topic> topics_;
  std::vector<std::unique_ptr<Party>> parties_;  // in the order in which they hear
  Texts retained_;                               // filters
  std::map<std::string, Event> kept_;
  int numbers_ = 0;
};

}  // namespace

TEST_CASE("bus: each handler hears what a naive list of filters says it must") {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    INFO("seed ", seed);
    World(seed).run(400);
  }
}
