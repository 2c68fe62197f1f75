#include "store/notes.hpp"

#include <doctest.h>

#include <memory>
#include <string>
#include <utility>

#include "edgepost/sim/disk.hpp"
#include "support/gateway_fixture.hpp"
#include "support/set_aside.hpp"

using namespace edgepost;

namespace {

struct NotesFixture : test::GatewayFixture {
  ~NotesFixture() { store.reset(); }

  store::Store& open_store() {
    store.reset();
    store = test::open_store(options);
    return *store;
  }

  std::string note(std::string_view name) {
    const auto found = store->note(name);
    INFO(found.status().message());
    REQUIRE(found.is_ok());
    return found->value_or("none");
  }

  std::unique_ptr<store::Store> store;
};

const std::string kBytes("\0\xff\n", 3);

}  // namespace

TEST_CASE_FIXTURE(NotesFixture, "notes: the last value of a name survives") {
  open_store();
  CHECK(note("budget/cloud") == "none");
  REQUIRE(store->set_note("budget/cloud", "7").is_ok());
  REQUIRE(store->set_note("budget/cloud", kBytes).is_ok());
  REQUIRE(store->set_note("budget/other", {}).is_ok());
  CHECK(note("budget/cloud") == kBytes);
  open_store();
  CHECK(note("budget/cloud") == kBytes);
  CHECK(note("budget/other").empty());
}

TEST_CASE_FIXTURE(NotesFixture, "notes: one of a transaction stands or falls with it [P-03]") {
  open_store();
  const auto set = [this](const std::string& value, const Status& outcome) {
    return store->transact([&](store::Session& session) {
      CHECK(session.set_note("cursor", value).is_ok());
      return outcome;
    });
  };
  CHECK(set("1", {}).is_ok());
  CHECK_FALSE(set("2", {Code::refused, "no"}).is_ok());
  CHECK(note("cursor") == "1");
}

TEST_CASE_FIXTURE(NotesFixture, "notes: only the owner writes them") {
  REQUIRE(open_store().set_note("a", "1").is_ok());
  options.access = Access::read;
  open_store();
  CHECK(note("a") == "1");
  CHECK(store->set_note("a", "2").code() == Code::wrong_state);
}

TEST_CASE_FIXTURE(NotesFixture, "notes: a full disk is said, and leaves the one before") {
  sim::Disk disk;
  options.database = "/gateway.db";
  options.platform.vfs = disk.name();
  REQUIRE(open_store().set_note("a", "1").is_ok());
  disk.fail_at(disk.calls(), sim::Fault::full, sim::Repeat::forever);
  CHECK(store->set_note("a", "2").code() == Code::full);
  disk.clear_faults();
  CHECK(note("a") == "1");
  store.reset();
}

TEST_CASE_FIXTURE(NotesFixture, "notes: what can be read of a damaged database has them [P-06]") {
  REQUIRE(open_store().set_note("cursor/cloud/0", "17").is_ok());
  store.reset();
  {
    auto raw = store::Connection::open(options.database, "", store::Connection::Mode::read_write);
    REQUIRE(raw.is_ok());
    const char* rot = "UPDATE edgepost_segment_1 SET data = x'00' WHERE last_seq = 0";
    REQUIRE(raw->run(rot).is_ok());
  }
  open_store();
  GatewayStatus status;
  REQUIRE(store->fill(status).is_ok());
  CHECK(status.damage.has_value());
  CHECK(note("cursor/cloud/0") == "17");
}
