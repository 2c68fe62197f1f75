#include "sim/workload.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <utility>

namespace edgepost::test {
namespace {

constexpr int kRounds = 10;
constexpr const char* kDatabase = "/data/gateway.db";
constexpr int kLogPages = 20;  // so that a few commits reach a checkpoint

Status commits(Transaction&, std::size_t) { return {}; }
Status changes_its_mind(Transaction&, std::size_t) { return {Code::refused, "told to fail"}; }
Status breaks_a_rule(Transaction& transaction, std::size_t unit) {
  return transaction.execute("INSERT INTO app VALUES (?1)", {static_cast<std::int64_t>(unit)});
}

}  // namespace

Machine::Machine(const sim::DiskOptions& disk_options, bool is_normal) : disk(disk_options) {
  if (is_normal) normal.emplace(disk.name());
  options.database = kDatabase;
  options.device_id = "gw-1";
  options.platform.clock = &clock;
  options.platform.random = &random;
  options.platform.vfs = normal ? normal->name() : disk.name();
}

bool Workload::open(bool is_inspected) {
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
  machine_.oracle.inspect(*gateway_);
  if (!machine_.disk.is_on()) machine_.oracle = before;  // what it saw is not the whole
}

bool Workload::set_up() {
  Oracle& oracle = machine_.oracle;
  for (const char* stream : {"outbox", "tx"}) {
    const Status created = gateway_->create_stream({.name = stream});
    oracle.heard("creating a stream", created);
    if (!created.is_ok()) return false;
    oracle.created(stream);
    for (const char* topic : {stream, "both"})
      oracle.heard("routing", gateway_->route(std::string(topic) + "/#", stream));
  }
  for (const char* name : {"cloud", "local"}) {
    auto consumer = gateway_->consumer("outbox", {.name = name});
    oracle.heard("creating a consumer", consumer.status());
    if (!consumer) return false;
    oracle.opened(name, "outbox", consumer->status().floor);
    consumers_.push_back({name, "outbox", std::move(*consumer)});
  }
  const Status shortened = gateway_->transact([](Transaction& transaction) -> Status {
    sqlite3_wal_autocheckpoint(static_cast<sqlite3*>(transaction.native_handle()), kLogPages);
    return {};
  });
  oracle.heard("setting up", shortened);
  return shortened.is_ok();
}

void Workload::close() {
  gateway_.reset();
  consumers_.clear();
  machine_.oracle.lives_again();
}

void Workload::run(std::optional<int> steps_after_failure) {
  steps_left_ = steps_after_failure;
  for (int number = 0; number < kRounds; ++number)
    round(number);
  if (!steps_after_failure || machine_.disk.struck().empty()) close();
}

void Workload::step(const std::function<void()>& work) {
  if (!machine_.disk.is_on()) return;
  if (steps_left_ && !machine_.disk.struck().empty() && (*steps_left_)-- <= 0) {
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
  step([&] { pass(std::chrono::milliseconds(1100)); });
  if (number == 1) step([&] { publish({"tx"}, 17 * 1024, Durability::stored); });
  if (number == 4) step([&] { publish({"outbox"}, 65 * 1024, Durability::stored); });
  if (number == 3 || number == 7) step([&] { close(); });
}

Oracle::Entry Workload::entry(const std::string& stream, std::size_t bytes) {
  const std::uint64_t serial = machine_.oracle.next_serial();
  std::string data = std::to_string(serial) + ":";
  data.resize(data.size() + bytes, static_cast<char>('a' + serial % 26));
  return {stream, serial, std::move(data), std::nullopt, 0};
}

void Workload::publish(const std::vector<std::string>& streams, std::size_t bytes,
                       Durability durability) {
  Oracle& oracle = machine_.oracle;
  const std::string topic = streams.size() == 1 ? streams.front() + "/x" : "both/x";
  std::vector<Oracle::Entry> entries{entry(streams.front(), bytes)};
  for (std::size_t i = 1; i < streams.size(); ++i) {
    entries.push_back(entries.front());
    entries.back().stream = streams[i];
  }
  Event event{.topic = topic, .data = entries.front().data, .key = "k"};
  const std::size_t unit = oracle.begin(std::move(entries), false);
  const auto receipt = gateway_->publish(std::move(event), durability);
  if (receipt && durability == Durability::buffered) return;
  if (receipt) oracle.received(unit, 0, *receipt);
  oracle.answered(unit, receipt.status());
}

void Workload::transact(const Ending& ending) {
  Oracle& oracle = machine_.oracle;
  const std::vector<Oracle::Entry> entries{entry("outbox", 60), entry("tx", 60)};
  const std::size_t unit = oracle.begin(entries, true);
  const Status status = gateway_->transact([&](Transaction& transaction) -> Status {
    Status done = transaction.execute("CREATE TABLE IF NOT EXISTS app (unit INTEGER PRIMARY KEY)");
    if (!done.is_ok()) return done;
    done = transaction.execute("INSERT INTO app VALUES (?1)", {static_cast<std::int64_t>(unit)});
    if (!done.is_ok()) return done;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const auto receipt =
          transaction.publish({.topic = entries[i].stream + "/x", .data = entries[i].data});
      if (!receipt) return receipt.status();
      oracle.received(unit, i, *receipt);
    }
    return ending(transaction, unit);
  });
  if (status.code() == Code::refused || status.code() == Code::invalid_argument) {
    return oracle.rolled_back(unit);
  }
  oracle.answered(unit, status);
  if (status.is_ok()) oracle.created("app");
}

void Workload::flush() {
  const Status status = gateway_->flush();
  machine_.oracle.heard("flushing", status);
  if (status.is_ok()) machine_.oracle.flushed();
}

void Workload::pass(Duration time) {
  machine_.clock.advance(time);
  gateway_->step(machine_.clock.now());
  const bool is_undisturbed = machine_.disk.is_on() && machine_.disk.struck().empty();
  if (is_undisturbed && time > machine_.options.ack_flush) machine_.oracle.floors_stored();
}

void Workload::drain(Draining& from, std::size_t events, bool is_in_order) {
  from.consumer->rewind();
  auto fetched = from.consumer->fetch({.events = events, .bytes = 1U << 20U});
  machine_.oracle.heard("fetching", fetched.status());
  if (!fetched) return;
  for (const Event& event : *fetched)
    machine_.oracle.fetched(from.name, event);
  // Not in order: the first one stays unanswered, and holds the floor back.
  if (!is_in_order) {
    std::reverse(fetched->begin(), fetched->end());
    if (!fetched->empty()) fetched->pop_back();
  }
  for (const Event& event : *fetched) {
    const Status status = from.consumer->acknowledge(event.sequence);
    machine_.oracle.heard("acknowledging", status);
    if (status.is_ok()) machine_.oracle.acknowledged(from.name, event.sequence);
  }
}

void Workload::go_on() {
  steps_left_.reset();
  if (!open(true)) {
    if (machine_.disk.is_on()) machine_.oracle.problem("P-06", "the gateway does not open again");
    return;
  }
  step([&] { publish({"outbox", "tx"}, 50, Durability::stored); });
  step([&] { drain_all(consumers_[0]); });
  step([&] { transact(commits); });
}

void Workload::drain_all(Draining& from) {
  constexpr ReadLimits kAll{.events = 1'000'000, .bytes = 1U << 30U};
  const auto pending = gateway_->read(from.stream, {from.consumer->status().floor + 1}, kAll);
  const auto fetched = from.consumer->fetch(kAll);
  machine_.oracle.heard("reading", pending.status());
  machine_.oracle.heard("fetching", fetched.status());
  if (!pending || !fetched) return;
  if (!machine_.disk.is_on()) return;  // each of them may have ended early
  machine_.oracle.drained(from.name, *pending, *fetched);
  for (std::size_t i = 0; i < fetched->size(); ++i) {
    machine_.oracle.fetched(from.name, (*fetched)[i]);
    if (i > 2) continue;
    if (from.consumer->acknowledge((*fetched)[i].sequence).is_ok()) {
      machine_.oracle.acknowledged(from.name, (*fetched)[i].sequence);
    }
  }
}

}  // namespace edgepost::test
