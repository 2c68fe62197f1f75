#include <doctest.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "edgepost/sim/disk.hpp"
#include "gateway_parts.hpp"
#include "support/fake_transport.hpp"
#include "support/gateway_fixture.hpp"
#include "support/set_aside.hpp"

using namespace edgepost;
using Texts = std::vector<std::string>;

namespace {

/// The parts of a gateway, and what an uplink `cloud` gives to its inbox.
struct InboxFixture : test::GatewayFixture {
  ~InboxFixture() { parts.reset(); }

  void open_parts(const StreamOptions& inbox = {.name = "inbox"}) {
    parts.reset();
    GatewayOptions completed = options;
    completed.platform = complete(options.platform);
    parts = std::make_unique<Gateway::Parts>(completed, test::open_store(options));
    REQUIRE(parts->store->create_stream(inbox).is_ok());
    link.name = "cloud";
    link.inbox = *parts->store->stream("inbox");
  }

  static Received message(const std::string& data, const std::string& identity) {
    return {.event = {.topic = "command/1", .data = data}, .identity = identity};
  }

  Result<InboxCount> receive(std::vector<Received> messages) {
    auto count = parts->receive(link, "fake://peer", messages);
    refusals.clear();
    for (const Received& one : messages)
      refusals.push_back(one.refusal.message());
    return count;
  }

  Texts in_inbox() {
    store::ReadPosition position;
    std::vector<Event> events;
    const auto nothing = [](std::uint64_t) { return false; };
    REQUIRE(parts->store
                ->read(*link.inbox, position, {.events = 1'000'000, .bytes = 1U << 30U}, nothing,
                       events)
                .is_ok());
    return data_of(events);
  }

  std::unique_ptr<Gateway::Parts> parts;
  Gateway::Parts::Link link;
  Texts refusals;
};

}  // namespace

TEST_CASE_FIXTURE(InboxFixture, "inbox: what comes again is stored once [P-13]") {
  open_parts();
  const auto first = receive({message("on", "/cloud 1"), message("off", "/cloud 2")});
  REQUIRE(first.is_ok());
  CHECK(first->stored == 2);
  const auto second = receive({message("off", "/cloud 2"), message("dim", "/cloud 3")});
  REQUIRE(second.is_ok());
  CHECK(second->stored == 1);
  CHECK(second->again == 1);
  CHECK(in_inbox() == Texts{"on", "off", "dim"});
}

TEST_CASE_FIXTURE(InboxFixture, "inbox: one that comes twice at once is stored once [P-13]") {
  open_parts();
  CHECK(receive({message("on", "/cloud 1"), message("on", "/cloud 1")})->again == 1);
  CHECK(in_inbox() == Texts{"on"});
}

TEST_CASE_FIXTURE(InboxFixture,
                  "inbox: killed before it was confirmed, it is known when it comes again [P-13]") {
  open_parts();
  CHECK(receive({message("on", "/cloud 1")})->stored == 1);
  const std::string copy = dir.file("killed.db");  // the files as a kill -9 leaves them
  for (const char* suffix : {"", "-wal", "-owner"})
    std::filesystem::copy_file(options.database + suffix, copy + suffix);
  parts.reset();
  options.database = copy;
  open_parts();
  CHECK(receive({message("on", "/cloud 1")})->again == 1);
  CHECK(in_inbox() == Texts{"on"});
}

TEST_CASE_FIXTURE(InboxFixture, "inbox: without an identity each delivery counts") {
  open_parts();
  CHECK(receive({message("on", "")})->stored == 1);
  CHECK(receive({message("on", "")})->stored == 1);
  CHECK(in_inbox().size() == 2);
}

TEST_CASE_FIXTURE(InboxFixture, "inbox: an identity may be of any length [P-13]") {
  open_parts();
  const std::string common(255, 'i');
  for (const std::string& identity : {common, common + "1", common + "2", std::string(9'000, 'i')})
    CHECK(receive({message(identity.substr(250, 9), identity)})->stored == 1);
  for (const std::string& identity : {common, common + "1", common + "2", std::string(9'000, 'i')})
    CHECK(receive({message("again", identity)})->again == 1);
  CHECK(in_inbox().size() == 4);
}

TEST_CASE_FIXTURE(InboxFixture, "inbox: uplinks do not know each other's events") {
  open_parts();
  CHECK(receive({message("on", "1")})->stored == 1);
  link.name = "other";
  CHECK(receive({message("on", "1")})->stored == 1);
}

TEST_CASE_FIXTURE(InboxFixture, "inbox: one that breaks a rule is refused, the others are not") {
  open_parts();
  Received bad = message("bad", "2");
  bad.event.topic = "a/+/b";
  const auto count = receive({message("on", "1"), bad, message("off", "3")});
  REQUIRE(count.is_ok());
  CHECK(count->stored == 2);
  CHECK(count->refused == 1);
  CHECK(refusals.at(0).empty());
  CHECK(refusals.at(1).find("topic: byte 2") != std::string::npos);
  CHECK(in_inbox() == Texts{"on", "off"});
}

TEST_CASE_FIXTURE(InboxFixture, "inbox: an event keeps what it came with and gets what it lacks") {
  open_parts();
  Received received = message("21.5", "1");
  received.event.source = "/cloud";
  REQUIRE(receive({received})->stored == 1);
  store::ReadPosition position;
  std::vector<Event> events;
  const auto nothing = [](std::uint64_t) { return false; };
  REQUIRE(parts->store->read(*link.inbox, position, {}, nothing, events).is_ok());
  REQUIRE(events.size() == 1);
  CHECK(events.front().source == "/cloud");
  CHECK(events.front().type == "edgepost.event");
  CHECK_FALSE(events.front().id.is_nil());
  CHECK(events.front().time == clock.wall());
}

TEST_CASE_FIXTURE(InboxFixture, "inbox: it is handed out once it is stored [P-02]") {
  open_parts();
  Texts heard;
  const auto subscription = parts->bus.subscribe("command/#", [&](const Event& event) {
    CHECK(event.sequence == in_inbox().size());
    heard.push_back(event.data);
    return Status();
  });
  CHECK(receive({message("on", "1")})->stored == 1);
  CHECK(receive({message("on", "1")})->again == 1);
  CHECK(heard == Texts{"on"});
}

TEST_CASE_FIXTURE(InboxFixture, "inbox: the cursor is stored with its event") {
  open_parts();
  CHECK(parts->cursor(link, "fake://peer").empty());
  Received first = message("on", "1");
  first.cursor = "41";
  Received second = message("off", "2");
  second.cursor = "42";
  REQUIRE(receive({first, second}).is_ok());
  open_parts();
  CHECK(parts->cursor(link, "fake://peer") == "42");
  CHECK(parts->cursor(link, "fake://other").empty());
}

TEST_CASE_FIXTURE(InboxFixture, "inbox: on a full disk nothing is stored and nothing confirmed") {
  sim::Disk disk;
  options.database = "/gateway.db";
  options.platform.vfs = disk.name();
  open_parts();
  disk.fail_at(disk.calls(), sim::Fault::full, sim::Repeat::forever);
  CHECK(receive({message("on", "1"), message("off", "2")}).status().code() == Code::full);
  disk.clear_faults();
  CHECK(in_inbox().empty());
  CHECK(receive({message("on", "1"), message("off", "2")})->stored == 2);
  CHECK(in_inbox() == Texts{"on", "off"});
  parts.reset();
}

TEST_CASE_FIXTURE(InboxFixture, "inbox: what is too much at once is taken bit by bit [P-13]") {
  open_parts({.name = "inbox", .max_events = 2});
  const std::vector<Received> all = {message("1", "1"), message("2", "2"), message("3", "3")};
  CHECK(receive(all).status().code() == Code::full);
  CHECK(in_inbox() == Texts{"1", "2"});
  CHECK(receive(all).status().code() == Code::full);
  CHECK(in_inbox() == Texts{"1", "2"});
  REQUIRE(parts->store->change_stream({.name = "inbox", .max_events = 3}).is_ok());
  CHECK(receive(all)->stored == 1);
  CHECK(in_inbox() == Texts{"1", "2", "3"});
}

TEST_CASE_FIXTURE(InboxFixture, "inbox: of what nobody would recognise, no part is taken") {
  open_parts({.name = "inbox", .max_events = 2});
  const std::vector<Received> all = {message("1", ""), message("2", "2"), message("3", "3")};
  CHECK(receive(all).status().code() == Code::full);
  CHECK(in_inbox().empty());
}

TEST_CASE("inbox: a power cut at any moment loses nothing and repeats nothing [P-13]") {
  bool is_beyond = false;
  for (std::uint64_t call = 0; !is_beyond; ++call) {
    INFO("power cut at call " << call);
    sim::Disk disk({.seed = call + 1});
    InboxFixture fixture;
    fixture.options.database = "/gateway.db";
    fixture.options.platform.vfs = disk.name();
    fixture.open_parts();
    REQUIRE(fixture.receive({InboxFixture::message("0", "0")})->stored == 1);
    disk.cut_power_at(disk.calls() + call, {.seed = call + 1});
    const std::vector<Received> all = {InboxFixture::message("1", "1"),
                                       InboxFixture::message("2", "2")};
    const bool is_confirmed = fixture.receive(all).is_ok();
    is_beyond = disk.is_on();
    disk.clear_faults();
    if (is_beyond) disk.cut_power({.seed = call + 1});
    fixture.parts.reset();
    disk.power_on();
    fixture.open_parts();
    if (is_confirmed) CHECK(fixture.in_inbox() == Texts{"0", "1", "2"});
    CHECK(fixture.receive(all).is_ok());
    CHECK(fixture.in_inbox() == Texts{"0", "1", "2"});
    fixture.parts.reset();
  }
}

namespace {

/// A whole gateway with an uplink that has an inbox.
struct GatewayWithInbox : test::GatewayFixture {
  ~GatewayWithInbox() { close(); }

  void open_both() {
    open();
    REQUIRE(gateway->create_stream({.name = "inbox"}).is_ok());
    REQUIRE(gateway->add_uplink({.name = "cloud", .inbox = "inbox"}, peer.transport()).is_ok());
    step();
  }

  void step() {
    for (int i = 0; i < 5; ++i) {
      gateway->step(clock.now());
      clock.advance(std::chrono::milliseconds(50));
    }
  }

  Status bring(const std::string& data, const std::string& identity) {
    peer.bring({{.event = {.topic = "command/1", .data = data}, .identity = identity}});
    step();
    return peer.received_status;
  }

  Texts in_inbox() { return data_of(*gateway->read("inbox", Position::start())); }

  test::FakePeer peer;
};

}  // namespace

TEST_CASE_FIXTURE(GatewayWithInbox, "inbox: what an uplink hears takes effect once [P-13]") {
  open_both();
  CHECK(bring("on", "1").is_ok());
  CHECK(bring("on", "1").is_ok());
  CHECK(bring("off", "2").is_ok());
  open_both();
  CHECK(bring("off", "2").is_ok());
  CHECK(in_inbox() == Texts{"on", "off"});
  const UplinkStatus cloud = gateway->status().uplinks.front();
  CHECK(cloud.received == 0);
  CHECK(cloud.received_again == 1);
  CHECK(peer.received.empty());
}

TEST_CASE_FIXTURE(GatewayWithInbox, "inbox: what is not stored is not confirmed [P-13]") {
  sim::Disk disk;
  options.database = "/gateway.db";
  options.platform.vfs = disk.name();
  open_both();
  disk.fail_at(disk.calls(), sim::Fault::full, sim::Repeat::forever);
  CHECK(bring("on", "1").code() == Code::full);
  disk.clear_faults();
  CHECK(bring("on", "1").is_ok());
  CHECK(in_inbox() == Texts{"on"});
  close();
}

TEST_CASE_FIXTURE(GatewayWithInbox, "inbox: a handler of what is heard may do anything") {
  open_both();
  const auto subscription = gateway->subscribe("command/#", [this](const Event& event) {
    CHECK(gateway->route("more/#", "outbox").is_ok());
    CHECK(gateway->status().uplinks.size() == 1);
    return gateway->publish({.topic = "reply/1", .data = event.data}).status();
  });
  CHECK(bring("on", "1").is_ok());
  CHECK(stored() == Texts{"on"});
}

TEST_CASE_FIXTURE(GatewayWithInbox, "inbox: its stream cannot be deleted") {
  open_both();
  const Status status = gateway->delete_stream("inbox");
  CHECK(status.code() == Code::busy);
  CHECK(status.message().find("uplink cloud") != std::string::npos);
  CHECK(bring("on", "1").is_ok());
}

TEST_CASE_FIXTURE(GatewayWithInbox, "inbox: what is refused is logged once, not each time") {
  struct Lines final : Logger {
    void write(LogLevel level, std::string_view module, std::string_view line) override {
      if (level == LogLevel::warning && module == "uplink") lines.emplace_back(line);
    }
    Texts lines;
  } log;
  options.platform.logger = &log;
  open_both();
  for (const char* identity : {"1", "2"}) {
    peer.bring({{.event = {.topic = "a/+"}, .identity = identity}});
    step();
  }
  CHECK(gateway->status().uplinks.front().received_refused == 2);
  REQUIRE(log.lines.size() == 1);
  CHECK(log.lines.front().find("cloud: event from upstream refused: topic") == 0);
  close();
}
