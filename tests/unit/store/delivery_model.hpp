#pragma once

#include <doctest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "edgepost/consumer.hpp"
#include "edgepost/time.hpp"
#include "sim/draw.hpp"
#include "store/delivery.hpp"

namespace edgepost::test {

/// What Delivery promises, written down as naively as can be: a list of events that is searched
/// from its start for each answer.
struct DeliveryModel {
  enum class State : unsigned char { waiting, in_flight, given_up, settled };
  struct Item {
    std::uint64_t sequence = 0;
    std::string key;
    Instant due;  // waiting: not before; in flight: overdue
    State state = State::waiting;
    bool is_requeued = false;
    unsigned tries = 0;
    bool is_fresh = false;
  };

  explicit DeliveryModel(ConsumerOptions given) : options(std::move(given)) {}

  [[nodiscard]] std::size_t in_flight() const {
    return static_cast<std::size_t>(std::count_if(items.begin(), items.end(), [](const Item& item) {
      return item.state == State::in_flight || item.state == State::given_up;
    }));
  }

  [[nodiscard]] bool wait_for_each_other(const Item& a, const Item& b) const {
    if (options.order == Order::none) return false;
    return options.order == Order::stream || (!a.key.empty() && a.key == b.key);
  }

  [[nodiscard]] bool may_go(const Item& item, Instant now) const {
    if (item.state != State::waiting || item.due > now) return false;
    std::size_t flying = 0;
    for (const Item& other : items) {
      if (&other == &item || !wait_for_each_other(other, item)) continue;
      if (other.state == State::waiting && other.sequence < item.sequence) return false;
      flying += other.state == State::in_flight || other.state == State::given_up ? 1 : 0;
    }
    return flying < (options.order == Order::stream ? 1 : options.max_in_flight_per_key);
  }

  void start(Item& item, Instant now) {
    item.state = State::in_flight;
    item.due = options.ack_wait > Duration::zero() ? now + options.ack_wait : Instant::max();
  }

  bool admit(std::uint64_t sequence, const std::string& key, Instant due, Instant now) {
    items.push_back({.sequence = sequence, .key = key, .due = due});
    if (!may_go(items.back(), now)) return false;
    start(items.back(), now);
    return true;
  }

  std::optional<std::uint64_t> take(Instant now) {
    for (Item& item : items) {
      if (item.state == State::in_flight && item.due <= now) fail(item, now);
    }
    Item* next = nullptr;
    for (Item& item : items) {
      const bool is_sooner = next == nullptr || item.sequence < next->sequence;
      if (is_sooner && may_go(item, now)) next = &item;
    }
    if (next == nullptr || in_flight() >= options.max_in_flight) return std::nullopt;
    start(*next, now);
    return next->sequence;
  }

  void fail(Item& item, Instant due) {
    const bool is_last = ++item.tries == options.max_deliver;
    item.state = is_last ? State::given_up : State::waiting;
    item.due = due;
  }

  void release(Item& item) {
    item.state = State::waiting;
    item.due = Instant();
  }

  [[nodiscard]] bool has_fresh(std::uint64_t sequence) const {
    return std::any_of(items.begin(), items.end(), [sequence](const Item& item) {
      return item.is_fresh && item.sequence == sequence;
    });
  }

  ConsumerOptions options;
  std::vector<Item> items;  // Requeued ones stand a second time.
};

/// How far a delivery was read: in turn, and by fresh events.
struct Reading {
  std::uint64_t last = 0;
  std::uint64_t last_fresh = 0;
};

/// A fresh event far behind, of a key where nothing waits for a key.
inline void do_fresh(sim::Draw& draw, DeliveryModel& model, store::Delivery& delivery,
                     Reading& read, Instant now) {
  if (!delivery.wants_fresh()) return;
  Event event{.key = draw.below(2) == 0 ? "" : "a"};
  CHECK(delivery.is_free(event) == (model.options.order == Order::none ||
                                    (model.options.order == Order::key && event.key.empty())));
  if (!delivery.is_free(event)) return;
  read.last_fresh = std::max(read.last, read.last_fresh) + 1 + draw.below(5);
  event.sequence = read.last_fresh;
  const Instant due = draw.below(8) == 0 ? now + std::chrono::seconds(draw.below(5)) : Instant();
  const std::string key = event.key;
  const bool is_handed_out = delivery.admit_fresh(event, {}, due, now);
  CHECK(is_handed_out == model.admit(read.last_fresh, key, due, now));
  model.items.back().is_fresh = true;
}

/// One random deed, done to both.
inline void do_one(sim::Draw& draw, DeliveryModel& model, store::Delivery& delivery, Reading& read,
                   Instant& now) {
  using State = DeliveryModel::State;
  const std::uint64_t deed = draw.below(10);
  std::uint64_t& last = read.last;
  if (deed == 3) do_fresh(draw, model, delivery, read, now);
  while (model.has_fresh(last + 1))
    ++last;
  if (deed == 0) now += std::chrono::seconds(draw.below(4));
  if (deed <= 2 && delivery.wants(last + 1)) {
    const std::vector<std::string> keys = {"", "a", "b", "c"};
    Event event{.key = keys[draw.below(keys.size())], .sequence = ++last};
    const Instant due = draw.below(8) == 0 ? now + std::chrono::seconds(draw.below(5)) : Instant();
    const std::string key = event.key;
    const bool is_handed_out = delivery.admit(event, {}, due, now);
    CHECK(is_handed_out == model.admit(last, key, due, now));
  }
  if (deed == 3 && draw.below(10) == 0) {
    delivery.rewind();
    for (DeliveryModel::Item& item : model.items) {
      if (item.state == State::in_flight) model.release(item);
    }
  }
  if (deed < 4 || model.items.empty()) return;
  DeliveryModel::Item& item = model.items[draw.below(model.items.size())];
  if (item.state == State::in_flight && deed <= 5) {
    const Instant due = now + std::chrono::seconds(draw.below(6));
    delivery.fail(item.sequence, "no", due);
    model.fail(item, due);
  } else if (item.state == State::in_flight && deed == 6) {
    delivery.release(item.sequence);
    model.release(item);
  } else if (item.state == State::settled && !item.is_requeued && deed == 7) {
    const DeliveryModel::Item again{
        .sequence = item.sequence, .key = item.key, .is_requeued = true};
    if (delivery.admit_requeued({.key = item.key, .sequence = item.sequence})) {
      item.is_requeued = true;  // once is enough
      model.items.push_back(again);
    }
  } else if (item.state != State::settled && (item.state != State::waiting || item.tries > 0)) {
    delivery.settle(item.sequence);
    item.state = State::settled;
  }
}

}  // namespace edgepost::test
