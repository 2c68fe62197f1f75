#include "store/owner.hpp"

#include <doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <utility>
#include <vector>

#include "edgepost/platform.hpp"
#include "store/connection.hpp"
#include "store/schema.hpp"
#include "support/gateway_fixture.hpp"

using namespace edgepost;
using store::Owner;
using store::Range;
using test::GatewayFixture;

TEST_CASE_FIXTURE(GatewayFixture, "owner: a second gateway is refused and told the owner's pid") {
  open();
  const auto second = Gateway::open(options);
  REQUIRE_FALSE(second.is_ok());
  CHECK(second.status().code() == Code::busy);
  CHECK(second.status().message().find(std::to_string(::getpid())) != std::string::npos);
  CHECK(gateway->status().owner_pid == ::getpid());
  publish("the first one goes on");
}

TEST_CASE_FIXTURE(GatewayFixture, "owner: another process is refused until the owner is gone") {
  const std::string database = dir.file("other.db");
  auto owner = Owner::take(database, "");
  REQUIRE(owner.is_ok());
  const auto exit_code_of_child = [&database] {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(Owner::take(database, "").is_ok() ? 0 : 1);
    int status = 0;
    ::waitpid(child, &status, 0);
    return WEXITSTATUS(status);
  };
  CHECK(exit_code_of_child() == 1);
  owner->reset();
  CHECK(Owner::pid(database, "") == 0);
  CHECK(exit_code_of_child() == 0);
}

TEST_CASE_FIXTURE(GatewayFixture, "owner: a gateway that died leaves nobody locked out [P-06]") {
  const pid_t child = ::fork();
  if (child == 0) {
    open();
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  open();
  CHECK(gateway->status().owner_pid == ::getpid());
}

TEST_CASE_FIXTURE(GatewayFixture, "owner: a reader works beside the owner and changes nothing") {
  open();
  publish_many(1, 3);
  GatewayOptions look = options;
  look.access = Access::read;
  auto reader = Gateway::open(look);
  REQUIRE(reader.is_ok());
  CHECK((*reader)->status().owner_pid == ::getpid());
  CHECK((*reader)->read("outbox", Position::start())->size() == 3);
  publish("4");
  CHECK((*reader)->read("outbox", Position{4})->size() == 1);
  CHECK((*reader)->status().streams.front().ledger.published == 4);
  CHECK((*reader)->publish({.topic = "t"}).status().code() != Code::ok);
  CHECK((*reader)->create_stream({.name = "new"}).code() == Code::wrong_state);
  CHECK((*reader)->flush().code() == Code::wrong_state);
  CHECK((*reader)->start().code() == Code::wrong_state);
  CHECK((*reader)->consumer("outbox", {.name = "x"}).status().code() == Code::wrong_state);
  CHECK((*reader)->transact([](Transaction&) { return Status(); }).code() == Code::wrong_state);
}

TEST_CASE_FIXTURE(GatewayFixture, "owner: a symbolic link leads to the same owner [P-01]") {
  open();
  GatewayOptions linked = options;
  linked.database = dir.file("link.db");
  REQUIRE(::symlink(options.database.c_str(), linked.database.c_str()) == 0);
  CHECK(Gateway::open(linked).status().code() == Code::busy);
}

TEST_CASE_FIXTURE(GatewayFixture, "owner: kill -9 repeats nothing that was acknowledged [P-12]") {
  const pid_t child = ::fork();
  if (child == 0) {
    open();
    publish_many(1, 9);
    Consumer cloud = consumer();
    fetch(cloud, 9);
    for (std::uint64_t sequence = 1; sequence <= 6; ++sequence)
      (void)cloud.acknowledge(sequence);
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  open();
  Consumer cloud = consumer();
  CHECK(fetch(cloud, 9) == std::vector<std::string>{"7", "8", "9"});
  CHECK(outbox().ledger == Ledger{.published = 9, .acknowledged = 6, .pending = 3});
  REQUIRE(gateway->flush().is_ok());
  check_sound();
}

TEST_CASE_FIXTURE(GatewayFixture, "owner: what expired is not acknowledged by a kill -9 [P-04]") {
  const pid_t child = ::fork();
  if (child == 0) {
    open();
    clock.advance(std::chrono::seconds(1));
    (void)gateway->publish({.topic = "t", .data = "1", .expires_after = std::chrono::seconds(1)});
    publish_many(2, 2);
    clock.advance(std::chrono::seconds(2));
    Consumer cloud = consumer();
    for (const Event& event : *cloud.fetch())
      (void)cloud.acknowledge(event.sequence);
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  open();
  CHECK(outbox().ledger.acknowledged == 0);
  Consumer cloud = consumer();
  CHECK(fetch(cloud, 9) == std::vector<std::string>{"2"});
  CHECK(cloud.acknowledge(2).is_ok());
  CHECK(gateway->flush().is_ok());
  CHECK(outbox().ledger == Ledger{.published = 2, .acknowledged = 1, .expired = 1});
}

TEST_CASE("owner: a note holds for one consumer and one life, and damage makes it none") {
  const test::TempDir dir;
  const std::string database = dir.file("a.db");
  auto owner = Owner::take(database, "");
  REQUIRE(owner.is_ok());
  CHECK((*owner)->noted(3, 77) == 0);
  (*owner)->note(3, 77, 1'000'000'000'000);
  CHECK((*owner)->noted(3, 77) == 1'000'000'000'000);
  CHECK((*owner)->noted(2, 77) == 0);
  CHECK((*owner)->noted(3, 78) == 0);
  CHECK((*owner)->noted(0, 77) == 0);
  CHECK((*owner)->noted(1'001, 77) == 0);
  owner->reset();
  std::fstream file(database + "-owner", std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(2048 + 2 * 12 + 1);
  file.put('\x55');
  file.close();
  owner = Owner::take(database, "");
  CHECK((*owner)->noted(3, 77) == 0);
}

TEST_CASE("owner: what was acknowledged above a floor is noted as well, and damage makes it none") {
  const test::TempDir dir;
  const std::string database = dir.file("a.db");
  const std::vector<Range> ranges = {{900, 1'000'000'000'000}, {10, 700}, {8, 8}};
  auto owner = Owner::take(database, "");
  REQUIRE(owner.is_ok());
  CHECK((*owner)->noted_above(3, 77).empty());
  (*owner)->note_above(3, 77, ranges);
  (*owner)->note(3, 77, 5);
  CHECK((*owner)->noted_above(3, 77) == ranges);
  CHECK((*owner)->noted(3, 77) == 5);
  for (const auto& [consumer, life] : {std::pair{2U, 77U}, {3U, 78U}, {0U, 77U}, {1'001U, 77U}})
    CHECK((*owner)->noted_above(consumer, life).empty());
  std::vector<Range> many;
  for (std::uint64_t i = 400; i > 0; --i)
    many.push_back({i << 40U, (i << 40U) + 1});
  (*owner)->note_above(2, 77, many);
  const std::vector<Range> kept = (*owner)->noted_above(2, 77);
  CHECK(kept.size() > 50);
  CHECK(std::equal(kept.begin(), kept.end(), many.begin()));
  CHECK((*owner)->noted_above(3, 77) == ranges);
  CHECK((*owner)->begin_notes({{2, {4, {{7, 9}}}}, {5, {6, {}}}}, 78).is_ok());
  CHECK((*owner)->noted_above(2, 78) == std::vector<Range>{{7, 9}});
  CHECK((*owner)->noted(5, 78) == 6);
  for (const std::uint64_t life : {77U, 78U})
    CHECK((*owner)->noted_above(3, life).empty());
  owner->reset();
  std::fstream file(database + "-owner", std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(16 * 1024 + 512 + 9);
  file.put('\x55');
  file.close();
  owner = Owner::take(database, "");
  CHECK((*owner)->noted_above(2, 78).empty());
}

namespace {

// Does it in a process that dies then.
template <typename Work>
void in_a_child(Work work) {
  const pid_t child = ::fork();
  if (child == 0) {
    work();
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
}

}  // namespace

TEST_CASE_FIXTURE(GatewayFixture, "owner: kills repeat nothing acknowledged above a gap [P-12]") {
  in_a_child([this] {
    open();
    publish_many(1, 9);
    Consumer cloud = consumer();
    fetch(cloud, 9);
    for (const std::uint64_t sequence : {1U, 3U, 4U, 8U, 7U})
      (void)cloud.acknowledge(sequence);
  });
  for (int i = 0; i < 3; ++i)
    in_a_child([this] { open(); });
  open();
  Consumer cloud = consumer();
  CHECK(fetch(cloud, 9) == std::vector<std::string>{"2", "5", "6", "9"});
  REQUIRE(gateway->flush().is_ok());
  check_sound();
}

TEST_CASE_FIXTURE(GatewayFixture, "owner: kills one after the other repeat nothing [P-12]") {
  in_a_child([this] {
    open();
    publish_many(1, 4);
    Consumer cloud = consumer();
    fetch(cloud, 4);
    for (const std::uint64_t sequence : {1U, 2U, 3U})
      (void)cloud.acknowledge(sequence);
  });
  for (int i = 0; i < 3; ++i)
    in_a_child([this] { open(); });
  open();
  Consumer cloud = consumer();
  CHECK(fetch(cloud, 9) == std::vector<std::string>{"4"});
}

TEST_CASE_FIXTURE(GatewayFixture,
                  "owner: notes of another life of the database are ignored [P-05]") {
  open();
  { const Consumer cloud = consumer(); }
  publish("common");
  close();
  const std::string image = dir.file("image.db");
  std::filesystem::copy_file(options.database, image);
  for (int life = 0; life < 3; ++life) {  // what happens to the database after the image was taken
    open();
    publish_many(1, 10);
    Consumer cloud = consumer();
    const auto events = cloud.fetch({});
    for (const Event& event : *events)
      (void)cloud.acknowledge(event.sequence);
  }
  close();
  std::filesystem::copy_file(image, options.database,
                             std::filesystem::copy_options::overwrite_existing);
  open();
  publish_many(101, 120);
  for (int life = 0; life < 5; ++life) {
    open();
    Consumer cloud = consumer();
    CHECK(fetch(cloud, 100).size() == 21);
  }
}

TEST_CASE("owner: a stamp holds for one life of the database, and damage makes it none") {
  const test::TempDir dir;
  const std::string database = dir.file("a.db");
  auto owner = Owner::take(database, "");
  REQUIRE(owner.is_ok());
  CHECK_FALSE((*owner)->stamp(77).has_value());
  store::Stamp stamp;
  stamp.life = 77;
  stamp.lived = std::chrono::hours(100);
  stamp.boot = Instant(std::chrono::seconds(5));
  stamp.writes = {.commits = 3, .events = 400, .bytes = 50'000, .syncs = 6, .checkpoints = 1};
  stamp.is_reserve_used = true;
  stamp.marks = {{1, 400}, {7, 1'000'000'000'000}};
  (*owner)->leave(stamp);
  (*owner)->note(1, 77, 12);
  CHECK_FALSE((*owner)->stamp(78).has_value());
  CHECK((*owner)->last_stamp()->life == 77);
  owner->reset();
  const auto found = Owner::stamp(database, "", 77);
  REQUIRE(found.has_value());
  CHECK(found->lived == stamp.lived);
  CHECK(found->boot == stamp.boot);
  CHECK(found->writes.bytes == 50'000);
  CHECK(found->is_reserve_used);
  CHECK_FALSE(found->is_clean);
  CHECK(found->writes.checkpoints == 1);
  CHECK(found->marks == stamp.marks);
  CHECK_FALSE(Owner::stamp(database, "", 78).has_value());
  std::fstream file(database + "-owner", std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(32 + 8 + 3);
  file.put('\x55');
  file.close();
  CHECK_FALSE(Owner::stamp(database, "", 77).has_value());
}

TEST_CASE("owner: more marks than there is room for leave the others and the notes alone") {
  const test::TempDir dir;
  auto owner = Owner::take(dir.file("a.db"), "");
  REQUIRE(owner.is_ok());
  (*owner)->note(1, 77, 12);
  store::Stamp stamp;
  stamp.life = 77;
  for (std::uint32_t stream = 1; stream <= 5'000; ++stream)
    stamp.marks[stream] = std::uint64_t{1} << 60U;
  (*owner)->leave(stamp);
  CHECK((*owner)->noted(1, 77) == 12);
  const auto found = (*owner)->stamp(77);
  REQUIRE(found.has_value());
  CHECK(found->marks.size() >= 150);
  CHECK(found->marks.at(100) == std::uint64_t{1} << 60U);
}

TEST_CASE_FIXTURE(GatewayFixture, "owner: the stamp tells an onlooker what the owner has stored") {
  open();
  publish_many(1, 5);
  auto connection =
      store::Connection::open(options.database, "", store::Connection::Mode::read_only);
  REQUIRE(connection.is_ok());
  const auto identity = store::read_identity(*connection);
  REQUIRE(identity.is_ok());
  const auto stamp = Owner::stamp(options.database, "", store::life_of(*identity));
  REQUIRE(stamp.has_value());
  CHECK(stamp->marks == std::map<std::uint32_t, std::uint64_t>{{1, 5}});
  CHECK(stamp->writes.events == 5);
}
