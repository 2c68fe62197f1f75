#include <doctest.h>

#include <chrono>
#include <string>
#include <vector>

#include "support/gateway_fixture.hpp"

using namespace edgepost;
using namespace std::chrono_literals;

namespace {

using Strings = std::vector<std::string>;

struct StreamsFixture : test::GatewayFixture {
  StreamsFixture() { open(); }

  void create(const StreamOptions& wanted) {
    const Status status = gateway->create_stream(wanted);
    INFO(status.message());
    REQUIRE(status.is_ok());
  }

  Status publish_to(const std::string& topic, const std::string& data,
                    Durability durability = Durability::stored) {
    return gateway->publish({.topic = topic, .data = data}, durability).status();
  }

  void publish_range(const std::string& topic, int from, int to) {
    for (int i = from; i <= to; ++i)
      REQUIRE(publish_to(topic, std::to_string(i)).is_ok());
  }

  Strings stored_in(const std::string& stream) {
    const auto events =
        gateway->read(stream, Position::start(), {.events = 100'000, .bytes = 1U << 30U});
    REQUIRE(events.is_ok());
    return data_of(*events);
  }

  StreamStatus status_of(const std::string& name) {
    for (const StreamStatus& stream : gateway->status().streams) {
      if (stream.name == name) return stream;
    }
    FAIL("no such stream");
    return {};
  }

  Consumer open_consumer(const std::string& stream, const ConsumerOptions& wanted) {
    auto opened = gateway->consumer(stream, wanted);
    INFO(opened.status().message());
    REQUIRE(opened.is_ok());
    return std::move(*opened);
  }

  void acknowledge_all(Consumer& from) {
    while (true) {
      const auto events = from.fetch();
      REQUIRE(events.is_ok());
      if (events->empty()) return;
      for (const Event& event : *events)
        REQUIRE(from.acknowledge(event.sequence).is_ok());
    }
  }

  void check_balance(const std::string& stream) {
    CHECK(test::balances(status_of(stream).ledger));
    check_sound();
  }
};

}  // namespace

TEST_CASE_FIXTURE(StreamsFixture, "streams: filters and options survive a restart") {
  create({.name = "alarms", .filters = {"alarm/#", "+/urgent"}, .max_events = 7, .priority = -3});
  open();
  CHECK(publish_to("alarm/fire", "1").is_ok());
  CHECK(publish_to("pump/urgent", "2").is_ok());
  CHECK(publish_to("pump/idle", "3").is_ok());  // the fixture's own stream takes it
  CHECK(stored_in("alarms") == Strings{"1", "2"});
  const StreamOptions told = status_of("alarms").options;
  CHECK(told.filters == Strings{"alarm/#", "+/urgent"});
  CHECK(told.max_events == 7);
  CHECK(told.priority == -3);
}

TEST_CASE_FIXTURE(StreamsFixture,
                  "streams: a full one refuses what is new and keeps the rest [P-22]") {
  create({.name = "few", .filters = {"few/#"}, .max_events = 3});
  publish_range("few/x", 1, 3);
  CHECK(publish_to("few/x", "4").code() == Code::full);
  CHECK(publish_to("few/x", "4", Durability::buffered).code() == Code::full);
  CHECK(stored_in("few") == Strings{"1", "2", "3"});
  CHECK(stored() == Strings{"1", "2", "3"});  // all of its streams or none
  CHECK(publish_to("other/x", "5").is_ok());  // streams never take room from each other
}

TEST_CASE_FIXTURE(StreamsFixture, "streams: buffered events count before they are stored [P-22]") {
  create({.name = "few", .filters = {"few/#"}, .max_events = 2});
  CHECK(publish_to("few/x", "1", Durability::buffered).is_ok());
  CHECK(publish_to("few/x", "2", Durability::buffered).is_ok());
  CHECK(publish_to("few/x", "3", Durability::buffered).code() == Code::full);
  REQUIRE(gateway->flush().is_ok());
  CHECK(stored_in("few") == Strings{"1", "2"});
}

TEST_CASE_FIXTURE(StreamsFixture, "streams: what is acknowledged makes room at once [P-22]") {
  create({.name = "few", .filters = {"few/#"}, .max_events = 3});
  Consumer cloud = open_consumer("few", {.name = "cloud"});
  publish_range("few/x", 1, 3);
  acknowledge_all(cloud);
  CHECK(publish_to("few/x", "4").is_ok());
  CHECK(publish_to("few/x", "5", Durability::buffered).is_ok());
  check_balance("few");
}

TEST_CASE_FIXTURE(StreamsFixture, "streams: max_bytes refuses too, naming itself [P-22]") {
  create({.name = "small", .filters = {"small/#"}, .max_bytes = 4'000});
  Status status;
  int stored_events = 0;
  while ((status = publish_to("small/x", std::string(500, 'x'))).is_ok())
    ++stored_events;
  CHECK(status.code() == Code::full);
  CHECK(status.message().find("max_bytes of 4000") != std::string::npos);
  CHECK(stored_events >= 4);
  CHECK(status_of("small").bytes <= 4'000);
}

TEST_CASE_FIXTURE(StreamsFixture,
                  "streams: the oldest make room when told so, and are counted [P-22] [P-04]") {
  create({.name = "ring", .filters = {"ring/#"}, .discard = Discard::old_events, .max_events = 3});
  Consumer cloud = open_consumer("ring", {.name = "cloud"});
  publish_range("ring/x", 1, 5);
  CHECK(stored_in("ring") == Strings{"3", "4", "5"});
  const Ledger ledger = status_of("ring").ledger;
  CHECK(ledger.dropped.max_events == 2);
  CHECK(ledger.pending == 3);
  CHECK(fetch(cloud, 10) == Strings{"3", "4", "5"});
  check_balance("ring");
}

TEST_CASE_FIXTURE(StreamsFixture,
                  "streams: what was acknowledged is never counted as dropped [P-04]") {
  create({.name = "ring", .filters = {"ring/#"}, .discard = Discard::old_events, .max_events = 3});
  Consumer cloud = open_consumer("ring", {.name = "cloud"});
  publish_range("ring/x", 1, 3);
  acknowledge_all(cloud);
  publish_range("ring/x", 4, 7);
  const Ledger ledger = status_of("ring").ledger;
  CHECK(ledger.acknowledged == 3);
  CHECK(ledger.dropped.max_events == 1);
  CHECK(ledger.pending == 3);
  check_balance("ring");
  open();
  CHECK(status_of("ring").ledger == ledger);
}

TEST_CASE_FIXTURE(StreamsFixture,
                  "streams: max_bytes drops whole segments and stays below [P-21] [P-22]") {
  create(
      {.name = "ring", .filters = {"ring/#"}, .discard = Discard::old_events, .max_bytes = 10'000});
  for (int i = 0; i < 200; ++i) {
    REQUIRE(publish_to("ring/x", std::string(500, 'x')).is_ok());
    REQUIRE(status_of("ring").bytes <= 10'000);
  }
  const StreamStatus status = status_of("ring");
  CHECK(status.ledger.dropped.max_bytes == 200 - status.ledger.pending);
  CHECK(status.bytes > 9'000);
  check_balance("ring");
}

TEST_CASE_FIXTURE(StreamsFixture,
                  "streams: events leave at max_age by themselves, on no wall clock [P-40]") {
  create({.name = "fresh", .filters = {"fresh/#"}, .max_age = 1h});
  publish_range("fresh/x", 1, 2);
  clock.advance(30min);
  clock.set_wall(clock.wall() + std::chrono::years(50));
  publish_range("fresh/x", 3, 3);
  gateway->step(clock.now());
  CHECK(stored_in("fresh") == Strings{"1", "2", "3"});
  clock.advance(31min);
  gateway->step(clock.now());
  CHECK(stored_in("fresh") == Strings{"3"});
  CHECK(status_of("fresh").ledger.dropped.max_age == 2);
  check_balance("fresh");
  open();
  clock.advance(2h);
  gateway->step(clock.now());
  CHECK(stored_in("fresh").empty());
  CHECK(status_of("fresh").ledger.dropped.max_age == 3);
}

TEST_CASE_FIXTURE(StreamsFixture, "streams: drops are told on the bus, in one event") {
  create({.name = "ring", .filters = {"ring/#"}, .discard = Discard::old_events, .max_events = 1});
  Strings told;
  const auto subscription =
      gateway->subscribe("edgepost/stream/+/dropped", [&told](const Event& event) {
        told.push_back(event.topic + " " + event.data);
        return Status();
      });
  REQUIRE(subscription.is_ok());
  publish_range("ring/x", 1, 4);
  gateway->step(clock.now());
  gateway->step(clock.now());
  CHECK(told == Strings{"edgepost/stream/ring/dropped {\"max_events\":3}"});
}

TEST_CASE_FIXTURE(StreamsFixture,
                  "streams: with retention limits, acknowledged events can be replayed") {
  create({.name = "log",
          .filters = {"log/#"},
          .retention = Retention::limits,
          .discard = Discard::old_events,
          .max_events = 4});
  Consumer cloud = open_consumer("log", {.name = "cloud"});
  publish_range("log/x", 1, 3);
  acknowledge_all(cloud);
  REQUIRE(gateway->flush().is_ok());
  CHECK(stored_in("log") == Strings{"1", "2", "3"});
  CHECK(status_of("log").ledger.acknowledged == 3);
  Consumer replay = open_consumer("log", {.name = "replay"});
  CHECK(fetch(replay, 10) == Strings{"1", "2", "3"});
  publish_range("log/x", 4, 6);
  CHECK(stored_in("log") == Strings{"3", "4", "5", "6"});
  CHECK(status_of("log").ledger.acknowledged == 3);
  check_balance("log");
}

TEST_CASE_FIXTURE(StreamsFixture, "streams: a work queue has one consumer") {
  create({.name = "work", .filters = {"work/#"}, .retention = Retention::work_queue});
  Consumer first = open_consumer("work", {.name = "first"});
  CHECK(gateway->consumer("work", {.name = "second"}).status().code() == Code::already_exists);
  publish_range("work/x", 1, 2);
  acknowledge_all(first);
  REQUIRE(gateway->flush().is_ok());
  CHECK(stored_in("work").empty());
}

TEST_CASE_FIXTURE(StreamsFixture, "streams: new limits hold at once, and retention stays") {
  create({.name = "ring", .filters = {"ring/#"}});
  publish_range("ring/x", 1, 5);
  StreamOptions changed = status_of("ring").options;
  changed.discard = Discard::old_events;
  changed.max_events = 2;
  changed.filters = {"circle/#"};
  REQUIRE(gateway->change_stream(changed).is_ok());
  CHECK(stored_in("ring") == Strings{"4", "5"});
  CHECK(publish_to("ring/x", "6").is_ok());  // the fixture's own stream alone
  CHECK(publish_to("circle/x", "7").is_ok());
  CHECK(stored_in("ring") == Strings{"5", "7"});
  changed.retention = Retention::limits;
  CHECK(gateway->change_stream(changed).code() == Code::invalid_argument);
  changed.name = "nowhere";
  CHECK(gateway->change_stream(changed).code() == Code::not_found);
}

TEST_CASE_FIXTURE(StreamsFixture, "streams: a deleted one is gone, and its name starts anew") {
  create({.name = "old", .filters = {"old/#"}});
  publish_range("old/x", 1, 3);
  {
    Consumer cloud = open_consumer("old", {.name = "cloud"});
    CHECK(gateway->delete_stream("old").code() == Code::busy);
    acknowledge_all(cloud);
  }
  REQUIRE(gateway->delete_stream("old").is_ok());
  CHECK(gateway->delete_stream("old").code() == Code::not_found);
  CHECK(gateway->read("old", Position::start()).status().code() == Code::not_found);
  CHECK(publish_to("old/x", "4").is_ok());
  create({.name = "old", .filters = {"old/#"}});
  CHECK(publish_to("old/x", "5").is_ok());
  CHECK(stored_in("old") == Strings{"5"});
  Consumer again = open_consumer("old", {.name = "cloud"});
  CHECK(fetch(again, 10) == Strings{"5"});
  open();
  CHECK(stored_in("old") == Strings{"5"});
  check_sound();
}

TEST_CASE_FIXTURE(StreamsFixture, "streams: what is buffered for a deleted one goes with it") {
  create({.name = "old", .filters = {"both/#"}});
  create({.name = "other", .filters = {"both/#"}});
  REQUIRE(publish_to("both/x", "1", Durability::buffered).is_ok());
  REQUIRE(publish_to("both/x", std::string(20'000, 'x'), Durability::buffered).is_ok());
  const Status deleted = gateway->delete_stream("old");
  CHECK_MESSAGE(deleted.is_ok(), deleted.message());
  REQUIRE(publish_to("both/x", "3").is_ok());
  CHECK(stored_in("other").size() == 3);
  CHECK(gateway->flush().is_ok());
  open();
  CHECK(stored_in("other").size() == 3);
  check_sound();
}

TEST_CASE_FIXTURE(
    StreamsFixture,
    "streams: an answer to what a limit has dropped meanwhile frees its place [P-24]") {
  create({.name = "ring", .filters = {"ring/#"}, .discard = Discard::old_events, .max_events = 2});
  for (const Order order : {Order::stream, Order::key}) {
    Consumer cloud = open_consumer("ring", {.name = "cloud", .order = order, .max_in_flight = 1});
    publish_range("ring/x", 1, 2);
    const auto first = cloud.fetch({.events = 1});
    REQUIRE(first->size() == 1);
    publish_range("ring/x", 3, 6);
    CHECK(cloud.acknowledge(first->front().sequence).is_ok());
    CHECK(fetch(cloud, 1).size() == 1);
    acknowledge_all(cloud);
  }
  check_balance("ring");
}

TEST_CASE_FIXTURE(StreamsFixture, "streams: what a limit has dropped is not tried again [P-04]") {
  create({.name = "ring", .filters = {"ring/#"}, .discard = Discard::old_events, .max_events = 2});
  Consumer cloud = open_consumer("ring", {.name = "cloud"});
  publish_range("ring/x", 1, 2);
  const auto first = cloud.fetch({.events = 1});
  REQUIRE(first->size() == 1);
  CHECK(cloud.release(first->front().sequence).is_ok());
  publish_range("ring/x", 3, 6);
  CHECK(fetch(cloud, 10) == Strings{"5", "6"});
  check_balance("ring");
}

TEST_CASE_FIXTURE(StreamsFixture,
                  "streams: events wait no longer for a consumer that was removed [P-05]") {
  Consumer cloud = consumer("cloud");
  { const Consumer slow = consumer("slow"); }
  publish_many(1, 3);
  acknowledge_all(cloud);
  REQUIRE(gateway->flush().is_ok());
  CHECK(stored().size() == 3);
  CHECK(gateway->delete_consumer("outbox", "cloud").code() == Code::busy);
  CHECK(gateway->delete_consumer("outbox", "nobody").code() == Code::not_found);
  CHECK(gateway->delete_consumer("nowhere", "slow").code() == Code::not_found);
  REQUIRE(gateway->delete_consumer("outbox", "slow").is_ok());
  CHECK(stored().empty());
  CHECK(outbox().ledger.acknowledged == 3);
  check_sound();
}

TEST_CASE_FIXTURE(StreamsFixture,
                  "streams: a consumer of an old name starts anew, whatever was noted") {
  for (int life = 0; life < 2; ++life) {
    {
      Consumer cloud = consumer("cloud");
      publish_many(1, 5);
      acknowledge_all(cloud);
    }
    REQUIRE(gateway->delete_consumer("outbox", "cloud").is_ok());
    publish_many(6, 8);
    Consumer again = consumer("cloud");
    CHECK(fetch(again, 20) == Strings{"6", "7", "8"});
    acknowledge_all(again);
  }
}

TEST_CASE_FIXTURE(StreamsFixture,
                  "streams: a consumer begins at the start, at a place, at a time, or at the end") {
  for (int i = 1; i <= 4; ++i) {
    publish(std::to_string(i));
    clock.advance(1min);
  }
  const auto events = gateway->read("outbox", {3});
  REQUIRE(events.is_ok());
  const Timestamp third = *events->front().time;
  Consumer placed = open_consumer("outbox", {.name = "placed", .from = {2}});
  Consumer timed = open_consumer("outbox", {.name = "timed", .from = Position::at(third)});
  Consumer latest = open_consumer("outbox", {.name = "latest", .from = Position::end()});
  Consumer never = open_consumer("outbox", {.name = "never", .from = Position::at(third + 24h)});
  publish("5");
  CHECK(fetch(placed, 10) == Strings{"2", "3", "4", "5"});
  CHECK(fetch(timed, 10) == Strings{"3", "4", "5"});
  CHECK(fetch(latest, 10) == Strings{"5"});
  CHECK(fetch(never, 10) == Strings{"5"});
}

TEST_CASE_FIXTURE(StreamsFixture, "streams: options that make no sense are named") {
  const auto message = [this](const StreamOptions& wanted) {
    const Status status = gateway->create_stream(wanted);
    CHECK(status.code() == Code::invalid_argument);
    return status.message();
  };
  CHECK(message({.name = "Bad Name"}).find("stream") != std::string::npos);
  CHECK(message({.name = "a", .filters = {"a/#/b"}}).find("filters") != std::string::npos);
  CHECK(message({.name = "a", .max_age = -1s}).find("max_age") != std::string::npos);
  CHECK(message({.name = "a", .max_per_key = 5'000}).find("max_per_key") != std::string::npos);
  CHECK(message({.name = "a", .max_bytes = ~0ULL}).find("max_bytes") != std::string::npos);
  CHECK(message({.name = "a", .max_events = ~0ULL}).find("max_events") != std::string::npos);
}

TEST_CASE_FIXTURE(StreamsFixture, "streams: a reader does not change them") {
  test::GatewayFixture reader;
  reader.options = options;
  reader.options.access = Access::read;
  reader.open();
  CHECK(reader.gateway->create_stream({.name = "x"}).code() == Code::wrong_state);
  CHECK(reader.gateway->change_stream({.name = "outbox"}).code() == Code::wrong_state);
  CHECK(reader.gateway->delete_stream("outbox").code() == Code::wrong_state);
  CHECK(reader.gateway->delete_consumer("outbox", "cloud").code() == Code::wrong_state);
}
