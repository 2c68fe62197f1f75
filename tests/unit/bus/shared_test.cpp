#include "bus/shared.hpp"

#include <doctest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

using edgepost::Barrier;
using edgepost::BusOptions;
using edgepost::Event;
using edgepost::Handler;
using edgepost::Status;
using edgepost::bus::Entry;
using edgepost::bus::Shared;

namespace {

Event event_on(std::string_view topic) {
  Event event;
  event.topic = topic;
  return event;
}

// A bus that many threads use at once, in every way, until each has done its rounds.
class Crowd {
 public:
  explicit Crowd(Barrier barrier) : bus(std::make_shared<Shared>(BusOptions(), barrier)) {}
  ~Crowd() { bus->end_all(); }

  std::shared_ptr<Entry> add(std::string_view filter, std::function<void()> work) {
    Handler handler = [work = std::move(work)](const Event&) {
      work();
      return Status();
    };
    return bus->add(filter, 0, std::move(handler));
  }

  void publish() {
    for (int round = 0; round < kRounds; ++round)
      (void)bus->publish(event_on(round % 2 == 0 ? "a/b" : "a/c"));
  }

  void publish_prepared() {
    for (int round = 0; round < kRounds / 10; ++round) {
      const auto topic = bus->prepare("a/b", {});
      for (int n = 0; n < 10; ++n)
        (void)bus->publish(*topic, event_on("a/b"));
    }
  }

  // Subscribes and unsubscribes; what is called after its end, or not destroyed, breaks the rules.
  void churn() {
    for (int round = 0; round < kRounds / 4; ++round) {
      auto is_over = std::make_shared<std::atomic<bool>>(false);
      const auto entry = add(round % 2 == 0 ? "a/+" : "a/b", [this, is_over] {
        if (*is_over) ++broken;
      });
      if (!bus->end(*entry)) ++broken;
      *is_over = true;
      if (is_over.use_count() != 1) ++broken;
    }
  }

  // Entries that end themselves when they are called, while another thread ends them, too.
  void end_within() {
    for (int round = 0; round < kRounds / 4; ++round) {
      const auto own = std::make_shared<std::atomic<Entry*>>(nullptr);
      const auto entry = add("a/#", [this, own] {
        if (Entry* const it = *own) bus->end(*it);
      });
      *own = entry.get();
      (void)bus->publish(event_on("a/b"));
      if (round % 2 == 0 && !bus->end(*entry)) ++broken;
    }
  }

  void run(const std::vector<std::function<void()>>& bodies) {
    std::vector<std::thread> threads;
    threads.reserve(bodies.size());
    std::atomic<std::size_t> arrived = 0;
    for (const auto& body : bodies) {
      threads.emplace_back([&] {
        ++arrived;
        while (arrived < bodies.size())
          std::this_thread::yield();
        body();
      });
    }
    for (std::thread& thread : threads)
      thread.join();
  }

  static constexpr int kRounds = 2'000;
  const std::shared_ptr<Shared> bus;
  std::atomic<int> broken = 0;
};

}  // namespace

TEST_CASE("bus: threads publish, subscribe and unsubscribe in every mix with either barrier") {
  for (const Barrier& barrier : {Barrier(), Barrier::best()}) {
    for (unsigned mix = 1; mix < 16; ++mix) {
      Crowd crowd(barrier);
      const std::vector<std::function<void()>> all = {
          [&] { crowd.publish(); }, [&] { crowd.publish_prepared(); }, [&] { crowd.churn(); },
          [&] { crowd.end_within(); }};
      std::vector<std::function<void()>> chosen;
      for (std::size_t i = 0; i < all.size(); ++i) {
        if ((mix >> i) % 2 != 0) chosen.insert(chosen.end(), mix == 15 ? 1 : 2, all[i]);
      }
      crowd.run(chosen);
      CHECK(crowd.broken == 0);
      CHECK(crowd.bus->status().subscriptions == 0);
    }
  }
}

TEST_CASE("bus: an entry that is ended twice is ended once") {
  Crowd crowd{Barrier()};
  const auto resource = std::make_shared<int>(7);
  const auto entry = crowd.add("a", [resource] {});
  CHECK(crowd.bus->end(*entry));
  CHECK(crowd.bus->end(*entry));
  CHECK(resource.use_count() == 1);
  CHECK(crowd.bus->status().subscriptions == 0);
}

TEST_CASE("bus: what it listens to itself is not counted and comes first") {
  Crowd crowd{Barrier()};
  std::string heard;
  crowd.add("a", [&] { heard += "2"; });
  crowd.bus->add("a", edgepost::bus::kInternalPriority, [&](const Event&) {
    heard += "1";
    return Status();
  });
  CHECK(crowd.bus->publish(event_on("a")).is_ok());
  CHECK(heard == "12");
  CHECK(crowd.bus->status().subscriptions == 1);
  CHECK(crowd.bus->status().delivered == 1);
}
