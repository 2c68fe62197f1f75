#include "store/salvage.hpp"

#include <doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "edgepost/sim/disk.hpp"
#include "edgepost/sim/random.hpp"
#include "support/gateway_fixture.hpp"
#include "support/process.hpp"
#include "support/sql.hpp"

using namespace edgepost;
using sim::Fault;
using sim::Repeat;
using store::Files;
using test::GatewayFixture;
using test::sql;

namespace {

using Texts = std::vector<std::string>;

struct Damaged : GatewayFixture {
  // Rot: other bytes stand there from now on.
  void overwrite(std::uint64_t offset, const std::string& bytes) const {
    std::fstream file(options.database, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(offset));
    file << bytes;
  }

  // What a process does that is killed at the end.
  template <typename Work>
  void in_a_process_that_dies(Work work) {
    const pid_t child = ::fork();
    if (child == 0) {
      work();
      ::_exit(0);
    }
    int exit_status = 0;
    REQUIRE(::waitpid(child, &exit_status, 0) == child);
  }

  // The page of a table: its root, or what stands at its far left.
  std::uint64_t root_of(const std::string& table) {
    auto connection =
        store::Connection::open(options.database, "", store::Connection::Mode::read_only);
    REQUIRE(connection.is_ok());
    const auto page = connection->integer(
        ("SELECT rootpage FROM sqlite_schema WHERE name = '" + table + "'").c_str());
    REQUIRE(page.is_ok());
    return static_cast<std::uint64_t>(*page - 1) * 4096;
  }

  const DamageReport& damage() {
    status = gateway->status();
    REQUIRE(status.damage.has_value());
    return *status.damage;
  }

  GatewayStatus status;
};

// A file of garbage in the place of a database, on a disk that fails.
struct FailingDisk {
  FailingDisk() : files(beside()) { garbage(); }

  Files beside() {
    auto found = Files::beside("/x.db", disk.name());
    REQUIRE(found.is_ok());
    return *found;
  }
  void garbage() {
    disk.restore({});
    REQUIRE(files.write("/x.db", content).is_ok());
  }
  Result<DamageReport> salvage() {
    const auto owner = store::Owner::take("/x.db", disk.name());
    if (!owner) return owner.status();
    return store::salvage(files, disk.name(), **owner, random);
  }

  const std::string content = std::string(9'000, 'x');
  sim::Disk disk;
  sim::SeededRandom random;
  Files files;
};

}  // namespace

TEST_CASE_FIXTURE(Damaged, "salvage: books that rotted are made anew from the segments [P-06]") {
  open();
  publish_many(1, 5);
  { const Consumer cloud = consumer(); }
  close();
  sql(options.database, "UPDATE edgepost_segment_1 SET data = x'00' WHERE last_seq = 0");
  const std::string evidence = test::read_file(options.database);
  open();
  CHECK(damage().set_aside == options.database + "-damaged-1");
  CHECK(test::read_file(options.database + "-damaged-1") == evidence);
  CHECK(damage().events_salvaged == 5);
  CHECK(damage().events_lost == 0);
  CHECK(damage().problems.front().find("row 0") != std::string::npos);
  CHECK(stored() == Texts{"1", "2", "3", "4", "5"});
  Consumer cloud = consumer();
  CHECK(fetch(cloud, 9).size() == 5);
  CHECK(publish("6").sequence == 6);
  check_sound();
  open();
  CHECK_FALSE(gateway->status().damage.has_value());
}

TEST_CASE_FIXTURE(Damaged,
                  "salvage: lost books never make acknowledged what is lost [P-04] [P-06]") {
  open();
  publish_many(1, 9);
  {
    Consumer cloud = consumer();
    CHECK(fetch(cloud, 2).size() == 2);
    for (const std::uint64_t sequence : {1U, 2U})
      REQUIRE(cloud.acknowledge(sequence).is_ok());
  }
  close();
  overwrite(root_of("edgepost_segment_1"), "\x41");
  open();
  CHECK(damage().events_lost == 7);
  CHECK(outbox().ledger.acknowledged == 2);
  CHECK(outbox().ledger.pending == 7);
  Consumer cloud = consumer();
  CHECK(cloud.status().floor == 2);
  CHECK(fetch(cloud, 9).empty());
  CHECK(outbox().ledger.dropped.damaged == 7);
  CHECK(publish("10").sequence == 10);
  check_sound();
}

TEST_CASE_FIXTURE(Damaged, "salvage: where nothing can be read, what is lost is counted [P-06]") {
  open();
  publish_many(1, 5);
  close();
  SUBCASE("ruined throughout") {
    overwrite(0, std::string(test::read_file(options.database).size(), '\xff'));
  }
  SUBCASE("a ruined schema") { overwrite(100, "\xff"); }
  SUBCASE("emptied") { std::filesystem::resize_file(options.database, 0); }
  SUBCASE("gone") { std::filesystem::remove(options.database); }
  open();
  CHECK(damage().events_lost == 5);
  const auto streams = gateway->status().streams;
  const bool is_counted =
      std::any_of(streams.begin(), streams.end(), [](const StreamStatus& stream) {
        return stream.name == "recovered-1" && stream.ledger.published == 5;
      });
  CHECK(is_counted);
  check_sound();
}

TEST_CASE_FIXTURE(Damaged,
                  "salvage: a stream that was made in a log that is lost is missed [P-06]") {
  in_a_process_that_dies([this] {
    open();
    publish_many(1, 5);
  });
  std::filesystem::remove(options.database + "-wal");
  open();
  CHECK(damage().events_lost == 5);
  check_sound();
}

TEST_CASE_FIXTURE(Damaged, "salvage: a stream that was deleted is not missed") {
  open();
  REQUIRE(gateway->create_stream({.name = "old", .filters = {"old/#"}}).is_ok());
  REQUIRE(gateway->publish({.topic = "old/x", .data = "1"}).is_ok());
  const std::string owner = test::read_file(options.database + "-owner");
  REQUIRE(gateway->delete_stream("old").is_ok());
  close();
  std::ofstream(options.database + "-owner", std::ios::binary) << owner;  // a power cut keeps this
  open();
  CHECK_FALSE(gateway->status().damage.has_value());
  CHECK(gateway->status().streams.size() == 1);
}

TEST_CASE_FIXTURE(Damaged, "salvage: what can be read is kept, what is lost is counted [P-06]") {
  open();
  const std::string text(2'000, 'x');
  for (int i = 1; i <= 100; ++i)
    publish(std::to_string(i) + text);
  REQUIRE(gateway
              ->transact([](Transaction& transaction) {
                (void)transaction.execute("CREATE TABLE mine (a INTEGER PRIMARY KEY, b TEXT)");
                (void)transaction.execute("CREATE INDEX mine_b ON mine (b)");
                return transaction.execute("INSERT INTO mine VALUES (7, 'seven')");
              })
              .is_ok());
  close();
  const std::uint64_t pages = test::read_file(options.database).size() / 4096;
  for (std::uint64_t page = pages / 2; page < pages / 2 + 3; ++page)
    overwrite(page * 4096, std::string(4096, '\xff'));
  std::filesystem::remove(options.database + "-owner");  // so that it does not look closed
  std::ofstream(options.database + "-owner") << "1";
  open();
  CHECK(damage().events_lost > 0);
  CHECK(damage().events_lost < 20);
  CHECK(damage().events_lost + damage().events_salvaged == 100);
  CHECK(stored().size() == damage().events_salvaged);
  CHECK(publish("101").sequence == 101);
  Consumer cloud = consumer();
  while (true) {
    const auto events = cloud.fetch({});
    REQUIRE(events.is_ok());
    if (events->empty()) break;
    for (const Event& event : *events)
      REQUIRE(cloud.acknowledge(event.sequence).is_ok());
  }
  REQUIRE(gateway->flush().is_ok());
  CHECK(outbox().ledger.dropped.damaged == damage().events_lost);
  CHECK(outbox().ledger.pending == 0);
  CHECK(test::balances(outbox().ledger));
  REQUIRE(gateway
              ->transact([](Transaction& transaction) {
                return transaction.execute("INSERT INTO mine VALUES (8, 'eight')");
              })
              .is_ok());
  close();
  sql(options.database, "SELECT 1 / (SELECT count(*) FROM mine WHERE b = 'seven')");
}

TEST_CASE_FIXTURE(Damaged, "salvage: a ruined header hides nothing that stands behind it [P-06]") {
  open();
  publish_many(1, 5);
  close();
  overwrite(0, std::string(20, '\xff'));
  open();
  CHECK(damage().events_salvaged == 5);
  CHECK(stored() == Texts{"1", "2", "3", "4", "5"});
  check_sound();
}

TEST_CASE_FIXTURE(Damaged, "salvage: a file of garbage is evidence, and said to be [P-06]") {
  open();
  publish_many(1, 5);
  close();
  overwrite(0, std::string(test::read_file(options.database).size(), '\xff'));
  open();
  CHECK(damage().set_aside == options.database + "-damaged-1");
  CHECK_FALSE(damage().problems.empty());
  CHECK(publish("new").sequence >= 1);
}

TEST_CASE_FIXTURE(Damaged, "salvage: evidence is never overwritten [P-06]") {
  for (int i = 1; i <= 3; ++i) {
    open();
    publish("1");
    close();
    sql(options.database, "UPDATE edgepost_segment_1 SET data = x'00' WHERE last_seq = 0");
    open();
    CHECK(damage().set_aside == options.database + "-damaged-" + std::to_string(i));
  }
}

TEST_CASE_FIXTURE(Damaged, "salvage: a log that lost its tail is noticed and counted [P-06]") {
  in_a_process_that_dies([this] {
    open();
    publish_many(1, 20);
  });
  const std::string log = options.database + "-wal";
  const std::uint64_t size = std::filesystem::file_size(log);
  std::fstream file(log, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(size / 2));
  file << std::string(8, '\x55');
  file.close();
  const std::string evidence = test::read_file(log);
  {
    const auto reader = Gateway::open({.database = options.database, .access = Access::read});
    REQUIRE(reader.is_ok());
    const auto report = (*reader)->verify();
    REQUIRE(report.is_ok());
    CHECK_FALSE(report->problems.empty());
  }
  open();
  CHECK(damage().events_lost > 0);
  const std::size_t left = stored().size();
  CHECK(left + damage().events_lost == 20);
  CHECK(test::read_file(damage().set_aside) == evidence);
  CHECK(publish("21").sequence == 21);
}

TEST_CASE_FIXTURE(FailingDisk, "salvage: whether one was begun is an error if nobody can tell") {
  REQUIRE(files.write("/x.db-salvage", "note").is_ok());
  CHECK_FALSE(*store::is_salvage_begun(files));
  for (const std::uint64_t call : {0U, 1U, 2U, 3U}) {  // look-up, open, size, read
    disk.fail_at(disk.calls() + call, Fault::io_error, Repeat::forever);
    const auto is_begun = store::is_salvage_begun(files);
    disk.clear_faults();
    CHECK(is_begun.status().code() == Code::io_error);
    CHECK(is_begun.status().message().find("/x.db-salvage") != std::string::npos);
  }
}

TEST_CASE_FIXTURE(FailingDisk, "salvage: evidence is neither named nor numbered by guessing") {
  CHECK(*store::newest_evidence(files) == "");
  CHECK(*store::unused_evidence(files) == "/x.db-damaged-1");
  disk.fail_at(disk.calls(), Fault::io_error, Repeat::forever);
  CHECK(store::newest_evidence(files).status().code() == Code::io_error);
  CHECK(store::unused_evidence(files).status().code() == Code::io_error);
}

TEST_CASE_FIXTURE(FailingDisk, "salvage: nothing is deleted that is not copied whole [P-06]") {
  for (const Fault fault : {Fault::io_error, Fault::short_read, Fault::full}) {
    int failures = 0;
    for (std::uint64_t call = 0; call < 60; ++call) {
      garbage();
      disk.fail_at(disk.calls() + call, fault, Repeat::forever);
      const Status status = salvage().status();
      disk.clear_faults();
      sim::DiskImage image = disk.image();
      const bool is_kept = image["/x.db"] == content || image["/x.db-damaged-1"] == content;
      CHECK(is_kept);
      if (status.is_ok()) continue;
      ++failures;
      CHECK((status.code() == Code::io_error || status.code() == Code::full));
      CHECK(status.message().find("/x.db") != std::string::npos);
      const auto again = salvage();
      REQUIRE(again.is_ok());
      CHECK(disk.image()[again->set_aside] == content);
    }
    CHECK(failures > 5);
  }
}

TEST_CASE_FIXTURE(FailingDisk, "salvage: where there is no room for a copy, nothing is changed") {
  for (std::uint64_t call = 0; call < 30; ++call) {
    garbage();
    disk.fail_at(disk.calls() + call, Fault::full, Repeat::forever);
    const Status status = salvage().status();
    disk.clear_faults();
    if (status.is_ok() || status.message().find("copied first") == std::string::npos) continue;
    CHECK(status.code() == Code::full);
    const sim::DiskImage image = disk.image();
    CHECK(image.at("/x.db") == content);
    CHECK_FALSE(image.contains("/x.db-damaged-1"));
    CHECK_FALSE(image.contains("/x.db-salvage"));
  }
}

TEST_CASE_FIXTURE(FailingDisk, "salvage: evidence that was taken away stops nobody") {
  int interrupted = 0;
  for (std::uint64_t call = 0; call < 60; ++call) {
    garbage();
    disk.fail_at(disk.calls() + call, Fault::full, Repeat::forever);
    const Status status = salvage().status();
    disk.clear_faults();
    if (status.message().find("which must stay") == std::string::npos) continue;
    ++interrupted;
    REQUIRE(files.remove("/x.db-damaged-1").is_ok());
    CHECK(salvage().is_ok());
    CHECK_FALSE(disk.image().contains("/x.db-salvage"));
  }
  CHECK(interrupted > 0);
}

TEST_CASE_FIXTURE(FailingDisk, "salvage: a power cut leaves no log behind without its database") {
  bool is_cut = true;
  for (std::uint64_t call = 0; is_cut; ++call) {
    garbage();
    REQUIRE(files.write("/x.db-wal", content).is_ok());
    disk.cut_power_at(disk.calls() + call, {.policy = sim::CutPolicy::drop_all});
    (void)salvage();
    is_cut = !disk.is_on();
    disk.clear_faults();
    if (!is_cut) break;
    disk.power_on();
    const sim::DiskImage image = disk.image();
    // SQLite takes it for the log of a new database, and nobody may open that.
    const bool is_alone = image.contains("/x.db-wal") && !image.contains("/x.db");
    CHECK_FALSE(is_alone);
  }
}
