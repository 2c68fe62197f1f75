// The bus beside its floors and peers of the same run. Run it by tools/bench; every figure is a
// median of some rounds, which take turns with the floors' and the peers'.
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "bench/bench.hpp"
#include "bench/bus_peers.hpp"
#include "bench/bus_workload.hpp"
#include "edgepost/bus.hpp"

namespace edgepost::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kTopic = "plant/line4/temperature";

Event event_of(const std::string& topic) { return {.topic = topic, .data = std::string(64, 'x')}; }

std::vector<Subscription> subscribe(Bus& bus, const std::vector<std::string>& filters,
                                    std::uint64_t& count) {
  std::vector<Subscription> subscriptions;
  for (const std::string& filter : filters) {
    auto subscription =
        bus.subscribe(filter, [&count](const Event& event) { return count_event(count, event); });
    EDGEPOST_ASSERT(subscription.is_ok());
    subscriptions.push_back(std::move(*subscription));
  }
  return subscriptions;
}

double nanoseconds(std::size_t publishes, const std::function<void()>& all) {
  return seconds(all) * 1e9 / static_cast<double>(publishes);
}

void fan_out(const Effort& effort, std::size_t handlers) {
  const std::size_t publishes = effort.of(100'000 / handlers);  // some milliseconds
  Bus bus;
  std::uint64_t count = 0;
  const auto subscriptions = subscribe(bus, std::vector<std::string>(handlers, kTopic), count);
  const Event event = event_of(kTopic);
  auto topic = bus.topic(kTopic);
  EDGEPOST_ASSERT(topic.is_ok());
  std::vector<double> prepared, by_text;
  const std::vector<Peer> peers = bus_peers();
  std::vector<std::vector<double>> theirs(peers.size());
  for (int round = 0; round < 10 * effort.rounds; ++round) {
    prepared.push_back(nanoseconds(publishes, [&] {
      for (std::size_t i = 0; i < publishes; ++i)
        EDGEPOST_ASSERT(bus.publish(*topic, event).is_ok());
    }));
    by_text.push_back(nanoseconds(publishes, [&] {
      for (std::size_t i = 0; i < publishes; ++i)
        EDGEPOST_ASSERT(bus.publish(event).is_ok());
    }));
    for (std::size_t i = 0; i < peers.size(); ++i) {
      if (peers[i].run) theirs[i].push_back(peers[i].run(handlers, publishes, event));
    }
  }
  heading("Publish 64 B to " + std::to_string(handlers) + " inline");
  const double ours = quantile(prepared), text = quantile(by_text);
  line("prepared topic", ours, "ns");
  line("topic as text", text, "ns", handlers == 1 ? at_most(12) : Target{});
  for (std::size_t i = 0; i < peers.size(); ++i) {
    if (!peers[i].run) {
      std::printf("  built without %s (see tools/setup --bench): not compared\n",
                  peers[i].name.c_str());
      continue;
    }
    const double peer = quantile(theirs[i]);
    line(peers[i].name, peer, "ns");
    beside("it: prepared", ours, peer, i == 0 && handlers != 10 ? at_most(1.5) : Target{});
    beside("it: text", text, peer);
  }
}

// What delivering alone costs, when somebody knows who is to hear each event.
double deliver_only(const std::vector<Event>& events, double matches, std::uint64_t& count) {
  const auto whole = static_cast<std::size_t>(matches + 0.5);
  return nanoseconds(events.size(), [&] {
    for (const Event& event : events) {
      for (std::size_t i = 0; i < whole; ++i)
        EDGEPOST_ASSERT(count_event(count, event).is_ok());
    }
  });
}

void filters(const Effort& effort, const std::string& title, const Topology& topology,
             Target target) {
  Bus bus;
  std::uint64_t count = 0;
  const auto subscriptions = subscribe(bus, topology.filters, count);
  std::vector<Event> events;
  for (const std::string& topic : topology.topics)
    events.push_back(event_of(topic));
  const auto all = [&] {
    for (const Event& event : events)
      EDGEPOST_ASSERT(bus.publish(event).is_ok());
  };
  all();
  const double matches =
      static_cast<double>(bus.status().delivered) / static_cast<double>(events.size());
  const auto matcher = mosquitto_matcher();
  const std::size_t asked = effort.divisor == 1 ? 40 : 4;
  std::vector<double> ours, floor, mosquitto;
  for (int round = 0; round < 5 * effort.rounds; ++round) {
    ours.push_back(nanoseconds(events.size(), all));
    floor.push_back(deliver_only(events, matches, count));
    if (!matcher || round >= effort.rounds) continue;
    mosquitto.push_back(nanoseconds(asked, [&] {
      for (std::size_t i = 0; i < asked; ++i)
        count += matcher(topology.filters, topology.topics[i]);
    }));
  }
  heading(title);
  line("matches for each publish", matches, "");
  line("publish, topic as text", quantile(ours), "ns", target);
  line("the fastest round", quantile(ours, 0), "ns");
  line("delivering alone", quantile(floor), "ns");
  line("heap for each filter",
       static_cast<double>(bus.status().bytes) / static_cast<double>(topology.filters.size()), "B",
       at_most(130));
  if (matcher) {
    line("mosquitto_topic_matches_sub for each", quantile(mosquitto), "ns");
    beside("it", quantile(ours), quantile(mosquitto), at_most(1 / 6.0));
  } else {
    std::printf("  built without libmosquitto (see tools/setup --bench): not compared\n");
  }
}

// A queue as it is written in an hour: what ours is compared with.
class LockedQueue {
 public:
  explicit LockedQueue(std::uint64_t& count) : worker_([this, &count] { work(count); }) {}
  ~LockedQueue() {
    push({});
    worker_.join();
  }
  void push(const Event& event) {
    {
      const std::lock_guard lock(mutex_);
      events_.push_back(event);
    }
    changed_.notify_one();
  }

 private:
  void work(std::uint64_t& count) {
    for (;;) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return !events_.empty(); });
      const Event event = std::move(events_.front());
      events_.pop_front();
      lock.unlock();
      if (event.topic.empty()) return;
      (void)count_event(count, event);
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Event> events_;
  std::thread worker_;
};

void from_threads(std::size_t threads, std::size_t each, const std::function<void()>& publish) {
  std::vector<std::thread> publishers;
  for (std::size_t t = 0; t < threads; ++t) {
    publishers.emplace_back([&] {
      for (std::size_t i = 0; i < each; ++i)
        publish();
    });
  }
  for (std::thread& publisher : publishers)
    publisher.join();
}

// Millions of events in a second, until the last one has been handled.
double queued_rate(std::size_t threads, std::size_t each, const Event& event) {
  std::uint64_t count = 0;
  Bus bus;
  auto subscription =
      bus.subscribe(kTopic, {.run = Run::own, .queue_capacity = 4'096, .overflow = Overflow::block},
                    [&](const Event& heard) { return count_event(count, heard); });
  auto topic = bus.topic(kTopic);
  EDGEPOST_ASSERT(subscription.is_ok() && topic.is_ok());
  const double took = seconds([&] {
    from_threads(threads, each, [&] { EDGEPOST_ASSERT(bus.publish(*topic, event).is_ok()); });
    while (bus.status().named[0].queued > 0)
      std::this_thread::yield();
  });
  EDGEPOST_ASSERT(bus.status().dropped == 0);
  return static_cast<double>(threads * each) / took / 1e6;
}

double locked_rate(std::size_t threads, std::size_t each, const Event& event) {
  std::uint64_t count = 0;
  const double took = seconds([&] {
    LockedQueue queue(count);
    from_threads(threads, each, [&] { queue.push(event); });
  });
  return static_cast<double>(threads * each) / took / 1e6;
}

// Microseconds from publishing to the handler, an event every 50 us from each thread.
std::vector<double> queued_times(std::size_t threads, std::size_t each) {
  std::vector<double> times;
  times.reserve(threads * each);
  Bus bus;
  auto subscription = bus.subscribe(
      kTopic, {.run = Run::own, .queue_capacity = 4'096, .overflow = Overflow::block},
      [&](const Event& event) -> Status {
        Clock::rep sent = 0;
        std::memcpy(&sent, event.data.data(), sizeof sent);
        const Clock::duration took = Clock::now().time_since_epoch() - Clock::duration(sent);
        times.push_back(std::chrono::duration<double, std::micro>(took).count());
        return {};
      });
  auto topic = bus.topic(kTopic);
  EDGEPOST_ASSERT(subscription.is_ok() && topic.is_ok());
  std::vector<std::thread> publishers;
  for (std::size_t t = 0; t < threads; ++t) {
    publishers.emplace_back([&] {
      Event event = event_of(kTopic);
      Clock::time_point next = Clock::now();
      for (std::size_t i = 0; i < each; ++i) {
        next += std::chrono::microseconds(50);
        while (Clock::now() < next) {
        }
        const Clock::rep now = Clock::now().time_since_epoch().count();
        std::memcpy(event.data.data(), &now, sizeof now);
        EDGEPOST_ASSERT(bus.publish(*topic, event).is_ok());
      }
    });
  }
  for (std::thread& publisher : publishers)
    publisher.join();
  while (bus.status().named[0].queued > 0)
    std::this_thread::yield();
  subscription->unsubscribe();
  return times;
}

void across_threads(const Effort& effort, std::size_t threads) {
  const std::size_t each_thread = effort.of(400'000 / threads);
  const Event event = event_of(kTopic);
  std::vector<double> ours, locked, medians, tails, far_tails;
  for (int round = 0; round < effort.rounds; ++round) {
    ours.push_back(queued_rate(threads, each_thread, event));
    locked.push_back(locked_rate(threads, each_thread, event));
    const std::vector<double> times = queued_times(threads, effort.of(10'000 / threads));
    medians.push_back(quantile(times));
    tails.push_back(quantile(times, 0.99));
    far_tails.push_back(quantile(times, 0.999));
  }
  heading("From " + std::to_string(threads) + " to 1 threads, through a queue, 64 B");
  line("queued subscription", quantile(ours), "million/s");
  line("a deque with a mutex", quantile(locked), "million/s");
  beside("it", quantile(ours), quantile(locked));
  line("published to handled, p50", quantile(medians), "us");
  line("published to handled, p99", quantile(tails), "us");
  line("published to handled, p99.9", quantile(far_tails), "us",
       threads == 1 ? at_most(50) : Target{});
}

}  // namespace
}  // namespace edgepost::bench

int main(int count, char** arguments) {
  using namespace edgepost::bench;
  Effort effort;
  const std::string_view option = count == 2 ? arguments[1] : "";
  if (option == "--quick") effort = {.rounds = 1, .divisor = 10};
  if (count > 1 && option != "--quick" && option != "--long") {
    std::fprintf(stderr, "usage: %s [--quick | --long]\n", arguments[0]);
    return 2;
  }
  for (const std::size_t handlers : {1U, 10U, 100U})
    fan_out(effort, handlers);
  filters(effort, "10,000 filters of 11 shapes", plant(10'000), at_most(100));
  filters(effort, "10,000 filters of 68 shapes", many_shapes(10'000, 68), at_most(350));
  filters(effort, "10,000 filters of 500 shapes", many_shapes(10'000, 500), {});
  for (const std::size_t threads : {1U, 4U})
    across_threads(effort, threads);
}
