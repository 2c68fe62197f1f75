#pragma once

#include <doctest.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "store/delivery.hpp"

namespace edgepost::store {

using Sequences = std::vector<std::uint64_t>;

/// A delivery that is fed by hand.
struct DeliveryFixture {
  // Begins anew with what the test has put into `options`.
  void restart() { delivery.emplace(options, last + 1); }

  // Reads events with these keys, numbered on from the last one. Returns those handed out at once.
  Sequences add(const std::vector<std::string>& keys, Duration not_before = Duration::zero()) {
    Sequences out;
    for (const std::string& key : keys) {
      Event event = make(key);
      event.sequence = ++last;
      if (delivery->admit(event, {}, now + not_before, now)) out.push_back(last);
    }
    return out;
  }
  bool add_fresh(std::uint64_t sequence) {
    Event event = make("");
    event.sequence = sequence;
    return delivery->admit_fresh(event, {}, now, now);
  }
  static Event make(const std::string& key) {
    Event event;
    event.key = key;
    event.data = "x";
    return event;
  }
  // Takes all that may be handed out now.
  Sequences take() {
    Sequences out;
    while (const auto turn = delivery->take(now))
      out.push_back(turn->sequence);
    return out;
  }
  void settle(std::uint64_t sequence) { delivery->settle(sequence); }
  void fail(std::uint64_t sequence, Duration delay, const std::string& error = "no") {
    delivery->fail(sequence, error, now + delay);
  }
  void requeue(std::uint64_t sequence, const std::string& key) {
    Event event = make(key);
    event.sequence = sequence;
    CHECK(delivery->admit_requeued(std::move(event)));
  }
  AttemptRow tries(std::uint64_t sequence) { return delivery->attempts().of(sequence); }

  ConsumerOptions options{.name = "cloud"};
  std::uint64_t last = 0;
  Instant now = Instant(std::chrono::seconds(100));
  std::optional<Delivery> delivery{std::in_place, options, 1};
};

}  // namespace edgepost::store
