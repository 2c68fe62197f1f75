#pragma once

#include <doctest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "platform/platform.hpp"
#include "support/fake_random.hpp"
#include "support/fake_transport.hpp"
#include "support/gateway_fixture.hpp"
#include "uplink/uplink.hpp"

namespace edgepost::test {

/// Keeps the lines that it is given.
class LinesLogger final : public Logger {
 public:
  void write(LogLevel level, std::string_view module, std::string_view line) override {
    EDGEPOST_ASSERT(module == "uplink");
    lines.push_back((level >= LogLevel::warning ? "! " : "") + std::string(line));
  }
  std::vector<std::string> lines;
};

/// An uplink that drains the stream `outbox` of a real gateway to a scripted upstream. Each
/// back-off takes its longest time.
struct UplinkFixture : GatewayFixture {
  using Sequences = std::vector<std::uint64_t>;

  UplinkFixture() {
    random.fix_jitter(1.0);
    second.address = "fake://second";
    policy.name = "cloud";
    policy.streams = {"outbox"};
    platform.clock = &clock;
    platform.random = &random;
    options.platform.random = &random;
    platform.logger = &logger;
    open();
  }

  void make_uplink() {
    std::vector<Uplink::Source> sources;
    for (const std::string& stream : policy.streams) {
      sources.push_back({*gateway->consumer(stream, consumer_options(policy)),
                         [this, stream] { return priority_of(stream); }});
    }
    start_uplink(std::move(sources));
  }

  void start_uplink(std::vector<Uplink::Source> sources) {
    std::vector<Endpoint> endpoints;
    endpoints.push_back({peer.transport(), peer_tags});
    if (has_second) endpoints.push_back({second.transport(), second_tags});
    UplinkHooks hooks;
    if (has_hooks) fill(hooks);
    uplink = std::make_unique<Uplink>(policy, std::move(endpoints), std::move(sources), platform,
                                      std::move(hooks));
  }

  void fill(UplinkHooks& hooks) {
    hooks.tell = [this](const LinkNews& told) {
      news.push_back(std::string(told.what) + " " + std::string(told.address.substr(7)));
    };
    hooks.audit = [this](AuditEntry&& row) { rows.push_back(std::move(row)); };
    hooks.note = [this](std::string_view name) -> Result<std::optional<std::string>> {
      const auto note = notes.find(std::string(name));
      return note == notes.end() ? std::nullopt : std::optional(note->second);
    };
    hooks.set_note = [this](std::string_view name, std::string_view value) {
      notes[std::string(name)] = value;
      return Status();
    };
    hooks.receive = receive;
  }

  int priority_of(const std::string& name) {
    if (!gateway) return 0;
    for (const StreamStatus& stream : gateway->status().streams) {
      if (stream.name == name) return stream.options.priority;
    }
    return 0;
  }

  // Steps until the uplink has nothing to do before time moves on. Returns when it has.
  Instant run() {
    if (!uplink) make_uplink();
    for (int steps = 0; steps < 10'000; ++steps) {
      const Instant next = uplink->step(clock.now(), Duration::zero());
      if (next > clock.now()) return next;
    }
    FAIL("the uplink never rests");
    return {};
  }
  // Lets time pass, as a caller does who keeps to what step() asks for.
  void run_until(Instant end) {
    for (Instant next = run(); clock.now() < end; next = run())
      clock.advance(std::min(next, end) - clock.now());
  }
  void run_after(Duration delay) {
    clock.advance(delay);
    run();
  }

  void publish_keys(const std::vector<std::string>& keys) {
    for (const std::string& key : keys) {
      Event event;
      event.topic = "sensor/1";
      event.data = "secret reading";
      event.key = key;
      REQUIRE(gateway->publish(std::move(event)).is_ok());
    }
    if (uplink) uplink->wake();
  }
  void publish_events(std::size_t count) { publish_keys(std::vector<std::string>(count)); }

  // The sequences of what the upstream received since this was asked last.
  Sequences received() { return received(peer, seen); }
  Sequences received_by_second() { return received(second, seen_by_second); }
  static Sequences received(const FakePeer& by, std::size_t& seen) {
    Sequences sequences;
    for (; seen < by.received.size(); ++seen) {
      sequences.push_back(by.received[seen].sequence);
    }
    return sequences;
  }
  // What was told since this was asked last.
  std::vector<std::string> told() { return std::exchange(news, {}); }
  bool was_told(const std::string& what) {
    return std::find(news.begin(), news.end(), what) != news.end();
  }
  // The rows of the audit as `what outcome events`.
  std::vector<std::string> audited() {
    std::vector<std::string> lines;
    for (const AuditEntry& row : std::exchange(rows, {}))
      lines.push_back(row.what + " " + row.outcome + " " + std::to_string(row.events));
    return lines;
  }
  static Answer unreachable() {
    Answer why{AnswerClass::link_down, "no route to host", {}};
    why.is_unreachable = true;
    return why;
  }
  // Every event is answered like this from now on.
  void answer_all(AnswerClass meaning) {
    peer.on_event = [meaning](const Event&) { return Answer{meaning, "said so", {}}; };
  }
  // The reasons of its dead letters.
  std::vector<std::string> dead() {
    REQUIRE(gateway->flush().is_ok());
    auto letters = gateway->dead_letters({}, 100);
    REQUIRE(letters.is_ok());
    std::vector<std::string> reasons;
    for (const DeadLetter& letter : *letters)
      reasons.push_back(letter.reason);
    return reasons;
  }
  std::uint64_t floor() { return outbox().consumers.at(0).floor; }
  UplinkStatus status() { return uplink->status(); }

  FakeRandom random;
  LinesLogger logger;
  Platform platform;
  UplinkOptions policy;
  FakePeer peer;
  FakePeer second;
  bool has_second = false;
  bool has_hooks = true;
  std::vector<std::string> peer_tags;
  std::vector<std::string> second_tags;
  std::function<Result<InboxCount>(std::string_view, std::span<Received>)> receive;
  std::vector<std::string> news;
  std::vector<AuditEntry> rows;
  std::map<std::string, std::string> notes;
  std::unique_ptr<Uplink> uplink;
  std::size_t seen = 0;
  std::size_t seen_by_second = 0;
};

}  // namespace edgepost::test
