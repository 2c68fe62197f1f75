#include "sim/workload.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace edgepost::test {
namespace {

constexpr int kKeys = 4;
constexpr Duration kYears = 50 * std::chrono::hours(8766);

Status commits(Transaction&) { return {}; }
Status changes_its_mind(Transaction&) { return {Code::refused, "told to fail"}; }
Status breaks_a_rule(Transaction& transaction) {
  return transaction.execute("INSERT INTO app SELECT unit FROM app");
}

Event event_of(const Oracle::Entry& entry, const std::string& topic) {
  return {.topic = topic,
          .data = entry.data,
          .key = entry.key,
          .expires_after = entry.expires_after,
          .not_before = entry.not_before};
}

}  // namespace

bool Workload::open(bool is_inspected) {
  machine_.start_process();
  auto opened = Gateway::open(machine_.options);
  machine_.oracle.heard("opening", opened.status());
  if (!opened) return false;
  gateway_ = std::move(*opened);
  if (is_inspected) inspect();
  if (set_up()) return true;
  close();
  return false;
}

void Workload::inspect() {
  const Oracle before = machine_.oracle;
  machine_.oracle.inspect(*gateway_, machine_.driver->status(*gateway_));
  if (!machine_.disk.is_on()) machine_.oracle = before;  // what it saw is not the whole
}

void Workload::close() {
  gateway_.reset();
  consumers_.clear();
  machine_.driver->ended();
  machine_.oracle.lives_again();
}

void Workload::run(std::optional<int> steps_after_failure) {
  steps_left_ = steps_after_failure;
  for (int number = 0; number < rounds_; ++number)
    round(number);
  if (!steps_after_failure || !has_failed()) close();
}

void Workload::step(const std::function<void()>& work) {
  if (!machine_.disk.is_on()) return;
  if (steps_left_ && has_failed() && (*steps_left_)-- <= 0) {
    steps_left_ = 0;
    return;
  }
  if (gateway_ == nullptr && !open(false)) return;
  work();
}

void Workload::round(int number) {
  step([&] { publish({"outbox"}, 40, Durability::stored); });
  step([&] { publish({"outbox"}, 300, Durability::buffered); });
  step([&] { publish({"outbox", "tx"}, 100, Durability::stored); });
  step([&] { transact(commits); });
  step([&] { publish({"outbox", "tx"}, 500, Durability::buffered); });
  if (number % 3 == 0) step([&] { flush(); });
  if (number % 3 == 1) step([&] { pass(std::chrono::milliseconds(150)); });
  step([&] { transact(number % 2 == 0 ? changes_its_mind : breaks_a_rule); });
  step([&] { drain(consumers_[0], 6, number % 4 != 3); });
  if (number % 2 == 1) step([&] { drain(consumers_[1], 12, true); });
  if (number % 4 == 2) step([&] { flush(); });
  step([&] { machine_.clock.jump_wall(number % 2 == 0 ? kYears : -kYears); });
  step([&] { pass(std::chrono::milliseconds(1100)); });
  if (number % 2 == 0) step([&] { transact_nested(); });
  step([&] { receive("message " + std::to_string(number / 2)); });
  step([&] { publish({"ring"}, 30, Durability::stored); });
  step([&] { publish({"ring"}, 30, Durability::stored); });
  if (number % 4 == 1) step([&] { drain(consumers_[3], 4, true); });
  for (int i = 0; i < 3; ++i)
    step([&] { publish({"state"}, 400, Durability::stored); });
  if (number % 4 == 3) step([&] { drain(consumers_[4], 3, true); });
  step([&] { publish_timed(std::chrono::seconds(2), std::nullopt); });
  if (number % 4 < 2) step([&] { publish_timed({}, std::chrono::milliseconds(1500)); });
  if (number % 4 > 1) step([&] { publish_timed(std::chrono::hours(2), {}); });
  if (number % 2 == 0) step([&] { drain(consumers_[2], 3, true); });
  if (number % 3 == 2) step([&] { refuse(consumers_[0]); });
  if (number % 4 == 3) step([&] { use_dead_letters(); });
  if (number % 5 == 2) step([&] { use_guests(); });
  if (number == 5) step([&] { machine_.clock.set_trusted(true); });
  if (number == 2 || number == 6) step([&] { shrink(); });
  if (number == 1) step([&] { publish({"tx"}, 17 * 1024, Durability::stored); });
  if (number == 4) step([&] { publish({"outbox"}, 65 * 1024, Durability::stored); });
  if (number == 3 || number == 7) step([&] { close(); });
}

Oracle::Entry Workload::entry(const std::string& stream, std::size_t bytes) {
  const std::uint64_t serial = machine_.oracle.next_serial();
  std::string data = std::to_string(serial) + ":";
  data.resize(data.size() + bytes, static_cast<char>('a' + serial % 26));
  const std::string key = serial % kKeys == 0 ? "" : "k" + std::to_string(serial % kKeys);
  return {.stream = stream, .serial = serial, .data = std::move(data), .key = key};
}

void Workload::shrink() { machine_.oracle.heard("shrinking", gateway_->shrink().status()); }

void Workload::publish(const std::vector<std::string>& streams, std::size_t bytes,
                       Durability durability) {
  std::vector<Oracle::Entry> entries{entry(streams.front(), bytes)};
  for (std::size_t i = 1; i < streams.size(); ++i) {
    entries.push_back(entries.front());
    entries.back().stream = streams[i];
  }
  publish(std::move(entries), durability);
}

void Workload::publish_timed(std::optional<Duration> expires_after,
                             std::optional<Duration> not_before) {
  Oracle::Entry timed = entry("timed", 20);
  timed.expires_after = expires_after;
  timed.not_before = not_before;
  publish({timed}, Durability::stored);
}

void Workload::publish(std::vector<Oracle::Entry> entries, Durability durability) {
  Oracle& oracle = machine_.oracle;
  const std::string topic = entries.size() == 1 ? entries.front().stream + "/x" : "both/x";
  Event event = event_of(entries.front(), topic);
  const std::size_t unit = oracle.begin(std::move(entries), false);
  const auto receipt = machine_.driver->publish(*gateway_, std::move(event), durability);
  if (receipt && durability == Durability::buffered) return;
  if (receipt) oracle.received(unit, 0, *receipt);
  oracle.answered(unit, receipt.status());
}

Status Workload::put_row(Transaction& transaction, std::size_t unit) {
  const Status done =
      transaction.execute("CREATE TABLE IF NOT EXISTS app (unit INTEGER PRIMARY KEY)");
  if (!done.is_ok()) return done;
  return transaction.execute("INSERT INTO app VALUES (?1)", {static_cast<std::int64_t>(unit)});
}

Status Workload::put_events(Transaction& transaction, std::size_t unit) {
  const std::vector<Oracle::Entry> entries = machine_.oracle.entries_of(unit);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto receipt = transaction.publish(event_of(entries[i], entries[i].stream + "/x"));
    if (!receipt) return receipt.status();
    machine_.oracle.received(unit, i, *receipt);
  }
  return {};
}

void Workload::transact(const std::function<Status(Transaction&)>& ending) {
  Oracle& oracle = machine_.oracle;
  const std::size_t unit = oracle.begin({entry("outbox", 60), entry("tx", 60)}, true);
  const Status status = machine_.driver->transact(
      *gateway_, [&](Transaction& transaction) { return put_row(transaction, unit); },
      [&](Transaction& transaction) {
        const Status done = put_events(transaction, unit);
        return done.is_ok() ? ending(transaction) : done;
      });
  if (status.code() == Code::refused || status.code() == Code::invalid_argument) {
    return oracle.rolled_back(unit);
  }
  oracle.answered(unit, status);
  if (status.is_ok()) oracle.created("app");
}

// What fails inside is undone alone, and what comes behind it is there.
void Workload::transact_nested() {
  Oracle& oracle = machine_.oracle;
  const std::size_t undone = oracle.begin({entry("outbox", 70), entry("tx", 70)}, true);
  const std::size_t done = oracle.begin({entry("outbox", 80), entry("tx", 80)}, true);
  const Status status = gateway_->transact([&](Transaction& transaction) -> Status {
    const Status inner = transaction.nested([&]() -> Status {
      Status put = put_row(transaction, undone);
      if (put.is_ok()) put = put_events(transaction, undone);
      return put.is_ok() ? changes_its_mind(transaction) : put;
    });
    if (inner.code() != Code::refused) return inner;
    return transaction.nested([&]() -> Status {
      const Status put = put_row(transaction, done);
      return put.is_ok() ? put_events(transaction, done) : put;
    });
  });
  oracle.rolled_back(undone);
  oracle.answered(done, status);
  if (status.is_ok()) oracle.created("app");
}

void Workload::receive(const std::string& message) {
  machine_.oracle.came(message);
  const Status status =
      machine_.driver->receive(*gateway_, message, [&](Transaction& transaction) -> Status {
        const Status done = transaction.execute("CREATE TABLE IF NOT EXISTS effect (message TEXT)");
        if (!done.is_ok()) return done;
        return transaction.execute("INSERT INTO effect VALUES (?1)", {std::string_view(message)});
      });
  machine_.oracle.heard("receiving", status);
  if (status.is_ok()) machine_.oracle.confirmed(message);
}

void Workload::flush() {
  const Status status = machine_.driver->flush(*gateway_);
  machine_.oracle.heard("flushing", status);
  if (status.is_ok()) machine_.oracle.flushed();
}

void Workload::pass(Duration time) {
  machine_.clock.advance(time);
  machine_.oracle.passes(time);
  const Oracle::Floors floors = machine_.oracle.floors();
  gateway_->step(machine_.options.platform.clock->now());
  const bool is_undisturbed = machine_.disk.is_on() && !has_failed();
  if (is_undisturbed && time > machine_.options.ack_flush) machine_.oracle.floors_stored(floors);
}

std::vector<Event> Workload::fetch(Draining& from, std::size_t events) {
  auto fetched = machine_.driver->fetch(*from.consumer, {.events = events, .bytes = 1U << 30U});
  machine_.oracle.heard("fetching", fetched.status());
  if (!fetched) return {};
  for (const Event& event : *fetched)
    machine_.oracle.fetched(from.name, event);
  return std::move(*fetched);
}

void Workload::deliver(Draining& from, const Event& event) {
  if (!machine_.disk.is_on()) return;
  const Status status = machine_.driver->deliver(
      *from.consumer, event,
      [&oracle = machine_.oracle, name = from.name, event] { oracle.took_effect(name, event); });
  machine_.oracle.heard("acknowledging", status);
  if (status.is_ok()) machine_.oracle.acknowledged(from.name, event.sequence);
}

void Workload::drain(Draining& from, std::size_t events, bool is_in_order) {
  from.consumer->rewind();
  std::vector<Event> fetched = fetch(from, events);
  // Not in order: answers come from the last to the first, of one event for each key, and the first
  // one stays unanswered and holds the floor back.
  if (!is_in_order) {
    std::set<std::string> keys;
    std::erase_if(fetched, [&keys](const Event& event) {
      return !event.key.empty() && !keys.insert(event.key).second;
    });
    std::reverse(fetched.begin(), fetched.end());
    if (!fetched.empty()) fetched.pop_back();
  }
  for (const Event& event : fetched)
    deliver(from, event);
}

// One event is tried again soon, one never, one is given back.
void Workload::refuse(Draining& from) {
  from.consumer->rewind();
  const std::vector<Event> fetched = fetch(from, 3);
  for (std::size_t i = 0; i < fetched.size(); ++i) {
    const std::uint64_t sequence = fetched[i].sequence;
    Status status;
    if (i == 0) status = from.consumer->nack(sequence, "busy", std::chrono::milliseconds(500));
    if (i == 1) status = from.consumer->release(sequence);
    if (i == 2) {
      machine_.oracle.rejected(from.name, fetched[i]);
      status = from.consumer->reject(sequence, "refused", "told to");
    }
    machine_.oracle.heard("refusing", status);
  }
}

// One dead letter is purged, the others come once more.
void Workload::use_dead_letters() {
  Oracle& oracle = machine_.oracle;
  const auto letters = gateway_->dead_letters({});
  oracle.heard("listing dead letters", letters.status());
  if (!letters || letters->empty()) return;
  oracle.purged(letters->front());
  const Result<std::uint64_t> purged =
      gateway_->purge({.sequences = {letters->front().event.sequence}});
  oracle.heard("purging", purged.status());
  for (const DeadLetter& letter : *letters)
    oracle.requeued(letter);
  oracle.heard("requeueing", gateway_->requeue({}).status());
}

// A stream and a consumer that come, change and go.
void Workload::use_guests() {
  Oracle& oracle = machine_.oracle;
  oracle.unwatched("guest");
  const auto heard = [&oracle](const char* what, const Status& status) {
    oracle.heard(what, status);
    return status.is_ok();
  };
  StreamOptions options{.name = "guest", .filters = {"guest/#"}, .max_events = 3};
  if (!heard("creating a guest", gateway_->create_stream(options))) return;
  for (int i = 0; i < 3; ++i)
    (void)gateway_->publish({.topic = "guest/x", .data = "guest"});
  options.discard = Discard::old_events;
  options.max_events = 2;
  options.max_age = std::chrono::minutes(1);
  heard("changing a guest", gateway_->change_stream(options));
  {
    const auto consumer = gateway_->consumer("guest", {.name = "visitor", .order = Order::stream});
    if (!heard("visiting", consumer.status())) return;
  }
  if (heard("sending a visitor away", gateway_->delete_consumer("guest", "visitor"))) {
    heard("deleting a guest", gateway_->delete_stream("guest"));
  }
}

void Workload::go_on() {
  steps_left_.reset();
  if (!open(true)) {
    if (machine_.disk.is_on()) machine_.oracle.problem("P-06", "the gateway does not open again");
    return;
  }
  step([&] { publish({"outbox", "tx"}, 50, Durability::stored); });
  for (const std::string& message : machine_.oracle.unconfirmed())
    step([&] { receive(message); });
  step([&] { drain_all(consumers_[0]); });
  step([&] { drain_all(consumers_[4]); });
  step([&] { transact(commits); });
}

// Everything that is pending is delivered, and leaves only what it was allowed to.
void Workload::drain_all(Draining& from) {
  constexpr ReadLimits kEverything{.events = 1'000'000, .bytes = 1U << 30U};
  constexpr int kFetchesMax = 1'000;
  constexpr Duration kPatience = std::chrono::seconds(1);
  bool is_more = true;
  for (int i = 0; i < kFetchesMax && is_more && machine_.disk.is_on(); ++i) {
    const std::vector<Event> fetched = fetch(from, kEverything.events);
    for (const Event& event : fetched)
      deliver(from, event);
    is_more = !fetched.empty() && machine_.oracle.problems.empty();
    if (is_more) continue;
    // What was refused before waits for its time, but not long.
    const Instant now = machine_.options.platform.clock->now();
    is_more = from.consumer->next_due() <= now + kPatience;
    if (is_more) pass(std::max(Duration(1), from.consumer->next_due() - now));
  }
  const auto left = gateway_->read(from.stream, {from.consumer->status().floor + 1}, kEverything);
  machine_.oracle.heard("reading", left.status());
  if (left && machine_.disk.is_on()) machine_.oracle.drained(from.name, *left);
}

}  // namespace edgepost::test
