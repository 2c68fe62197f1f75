#include <doctest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "gateway_parts.hpp"
#include "support/fake_transport.hpp"
#include "support/gateway_fixture.hpp"
#include "support/set_aside.hpp"

using namespace edgepost;
using std::chrono::hours;
using test::GatewayFixture;

namespace {

struct UplinkFixture : GatewayFixture {
  ~UplinkFixture() { close(); }

  std::vector<Endpoint> endpoints() {
    std::vector<Endpoint> endpoints(2);
    endpoints[0].transport = peer.transport();
    endpoints[0].tags = {"eu"};
    endpoints[1].transport = peer.transport();
    return endpoints;
  }

  using Change = std::function<void(UplinkOptions&)>;

  /// What adding says to options that work but for `change`.
  Status add(const Change& change) {
    UplinkOptions uplink{.name = "cloud", .streams = {"outbox"}};
    change(uplink);
    return gateway->add_uplink(uplink, endpoints());
  }

  /// That `change` is refused, with the option's name in the message.
  void refuses(const std::string& option, const Change& change) {
    const Status status = add(change);
    INFO(option << ": " << status.message());
    CHECK(status.code() == Code::invalid_argument);
    CHECK(status.message().find(option + ":") != std::string::npos);
  }

  test::FakePeer peer;
};

}  // namespace

TEST_CASE_FIXTURE(UplinkFixture, "add_uplink: every option has its range") {
  open();
  constexpr Duration kNever = hours(25);
  constexpr Duration kBefore = Duration(-1);
  refuses("retry.stable_after", [=](auto& o) { o.retry.stable_after = kBefore; });
  refuses("breaker.failure_threshold", [](auto& o) { o.breaker.failure_threshold = 0; });
  refuses("breaker.recovery_timeout", [=](auto& o) { o.breaker.recovery_timeout = kNever; });
  refuses("breaker.half_open_max_calls", [](auto& o) { o.breaker.half_open_max_calls = 0; });
  refuses("breaker.trip_after", [](auto& o) { o.breaker.trip_after = Duration::zero(); });
  refuses("breaker.success_percent_min", [](auto& o) { o.breaker.success_percent_min = 101; });
  refuses("pacing.events_per_second", [](auto& o) { o.pacing.events_per_second = ~0ULL; });
  refuses("pacing.burst_events", [](auto& o) { o.pacing.burst_events = 9; });
  refuses("pacing.bytes_per_second", [](auto& o) { o.pacing.bytes_per_second = ~0ULL; });
  refuses("pacing.burst_bytes", [](auto& o) { o.pacing.burst_bytes = 9; });
  refuses("pacing.bytes_per_day", [](auto& o) { o.pacing.bytes_per_day = ~0ULL; });
  refuses("pacing.bytes_per_month", [](auto& o) { o.pacing.bytes_per_month = ~0ULL; });
  refuses("failover.fail_back_after", [=](auto& o) { o.failover.fail_back_after = kBefore; });
  refuses("max_in_flight_per_key", [](auto& o) { o.max_in_flight_per_key = 0; });
  refuses("max_in_flight", [](auto& o) { o.max_in_flight = 0; });
  refuses("batch_events", [](auto& o) { o.batch_events = 10'001; });
  refuses("batch_bytes", [](auto& o) { o.batch_bytes = 0; });
  refuses("linger", [=](auto& o) { o.linger = kBefore; });
  refuses("live_percent", [](auto& o) { o.live_percent = 101; });
  refuses("connect_timeout", [](auto& o) { o.connect_timeout = Duration::zero(); });
  refuses("probe_interval", [=](auto& o) { o.probe_interval = kBefore; });
  CHECK(outbox().consumers.empty());
}

TEST_CASE_FIXTURE(UplinkFixture, "add_uplink: residency names a stream and a tag that are there") {
  open();
  refuses("failover.residency", [](auto& o) { o.failover.residency = {{"alarms", "eu"}}; });
  refuses("failover.residency", [](auto& o) { o.failover.residency = {{"outbox", "us"}}; });
  CHECK(add([](auto& o) { o.failover.residency = {{"outbox", "eu"}}; }).is_ok());
}

TEST_CASE_FIXTURE(UplinkFixture, "add_uplink: each endpoint has a transport") {
  open();
  const UplinkOptions uplink{.name = "cloud", .streams = {"outbox"}};
  for (const std::size_t count : {0U, 1U, 17U}) {
    const Status status = gateway->add_uplink(uplink, std::vector<Endpoint>(count));
    CHECK(status.code() == Code::invalid_argument);
    CHECK(status.message().find("endpoints:") != std::string::npos);
  }
  std::vector<Endpoint> untagged = endpoints();
  untagged[1].tags = {""};
  CHECK(gateway->add_uplink(uplink, std::move(untagged)).code() == Code::invalid_argument);
}

TEST_CASE_FIXTURE(UplinkFixture, "add_uplink: an inbox exists, and may stand alone") {
  open();
  refuses("streams", [](auto& o) { o.streams.clear(); });
  refuses("inbox", [](auto& o) { o.inbox = "outbox"; });
  CHECK(add([](auto& o) { o.inbox = "nowhere"; }).code() == Code::not_found);
  CHECK(outbox().consumers.empty());
  const auto alone = [](UplinkOptions& uplink) {
    uplink.streams.clear();
    uplink.inbox = "outbox";
  };
  CHECK(add(alone).is_ok());
  CHECK(add(alone).code() == Code::already_exists);
  CHECK(gateway->retry_uplink("cloud").is_ok());
  CHECK(gateway->retry_uplink("other").code() == Code::not_found);
}

TEST_CASE_FIXTURE(UplinkFixture, "add_uplink: who only reads adds none") {
  open();
  close();
  options.access = Access::read;
  open();
  CHECK(add([](auto&) {}).code() == Code::wrong_state);
}

TEST_CASE_FIXTURE(UplinkFixture, "link: what becomes of it is told on the bus") {
  GatewayOptions completed = options;
  completed.platform = complete(options.platform);
  Gateway::Parts parts(completed, test::open_store(options));
  Event heard;
  const auto subscription = parts.bus.subscribe("edgepost/link/+/offline", [&](const Event& event) {
    heard = event;
    return Status();
  });
  parts.tell({.what = "offline",
              .uplink = "cloud",
              .address = "mqtt://broker",
              .state = UplinkState::waiting,
              .breaker = BreakerState::half_open,
              .reason = "reset by \"peer\"\n",
              .correlation = "cloud-3-17"});
  CHECK(heard.topic == "edgepost/link/cloud/offline");
  CHECK(heard.type == "edgepost.link.offline");
  CHECK(heard.content_type == "application/json");
  CHECK(heard.data ==
        R"({"uplink":"cloud","address":"mqtt://broker","state":"waiting","breaker":"half_open",)"
        R"("reason":"reset by \"peer\"\n","correlation":"cloud-3-17"})");
  parts.tell({.what = "offline", .uplink = "cloud"});
  CHECK(heard.data == R"({"uplink":"cloud","state":"stopped","breaker":"closed"})");
}

namespace {

/// A whole gateway, what is heard about its link, and what it logs.
struct ToldFixture : UplinkFixture, Logger {
  ToldFixture() {
    options.platform.logger = this;
    open();
    subscription = *gateway->subscribe("edgepost/link/#", [this](const Event& event) {
      heard.push_back(event.topic.substr(std::string("edgepost/link/cloud/").size()));
      // What a handler may do that runs while its uplink is stepped.
      CHECK(gateway->status().uplinks.size() == 1);
      return gateway->route("more/#", "outbox");
    });
    const UplinkOptions uplink{.name = "cloud", .streams = {"outbox"}};
    REQUIRE(gateway->add_uplink(uplink, peer.transport()).is_ok());
  }

  void write(LogLevel /*level*/, std::string_view module, std::string_view line) override {
    if (module == "uplink") lines.emplace_back(line);
  }

  /// Lets so much time pass.
  void pass(Duration time) {
    for (const Instant end = clock.now() + time; clock.now() < end;) {
      gateway->step(clock.now());
      clock.advance(std::chrono::milliseconds(50));
    }
  }

  UplinkState state() { return gateway->status().uplinks.front().state; }

  std::vector<std::string> lines;
  std::vector<std::string> heard;
  Subscription subscription;
};

}  // namespace

TEST_CASE_FIXTURE(ToldFixture, "link: an outage is told, and that it is over") {
  pass(std::chrono::seconds(1));
  peer.drop();
  pass(std::chrono::seconds(5));
  CHECK(state() == UplinkState::online);
  CHECK(heard == std::vector<std::string>{"online", "offline", "online"});
}

TEST_CASE_FIXTURE(ToldFixture, "link: refused credentials are told, and wait for a change [P-14]") {
  peer.refusal = Answer{AnswerClass::credentials, "not authorised", {}};
  pass(std::chrono::seconds(5));
  CHECK(state() == UplinkState::blocked);
  CHECK(heard == std::vector<std::string>{"credentials"});
  peer.refusal.reset();
  CHECK(gateway->retry_uplink("cloud").is_ok());
  pass(std::chrono::seconds(1));
  CHECK(state() == UplinkState::online);
}

TEST_CASE_FIXTURE(ToldFixture, "audit: each call to the world outside is a row, and correlates") {
  pass(std::chrono::seconds(1));
  publish_many(1, 3);
  pass(std::chrono::seconds(1));
  peer.drop(AnswerClass::link_down, "connection reset");
  pass(std::chrono::milliseconds(100));
  const std::vector<AuditEntry> rows = gateway->audit();
  const auto row = [&rows](std::string_view what) -> AuditEntry {
    for (const AuditEntry& entry : rows) {
      if (entry.what == what) return entry;
    }
    return {};
  };
  CHECK(row("connect").outcome == "ok");
  CHECK(row("connect").uplink == "cloud");
  CHECK(row("connect").address == "fake://peer");
  CHECK(row("send").outcome == "ok");
  CHECK(row("send").events == 3);
  const AuditEntry lost = row("disconnect");
  CHECK(lost.outcome == "link_down");
  CHECK(lost.detail == "connection reset");
  CHECK(lost.correlation.starts_with("cloud-1-"));
  const bool is_logged = std::any_of(lines.begin(), lines.end(), [&](const std::string& line) {
    return line.starts_with(lost.correlation + ": connection reset");
  });
  CHECK(is_logged);
}
