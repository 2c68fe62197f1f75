#pragma once

#include <doctest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
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
    std::vector<Endpoint> endpoints(1);
    endpoints.front().transport = peer.transport();
    uplink = std::make_unique<Uplink>(policy, std::move(endpoints), std::move(sources), platform);
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
  Sequences received() {
    Sequences sequences;
    for (; seen < peer.received.size(); ++seen) {
      sequences.push_back(peer.received[seen].sequence);
    }
    return sequences;
  }
  // Every event is answered like this from now on.
  void answer_all(AnswerClass meaning) {
    peer.on_event = [meaning](const Event&) { return Answer{meaning, "said so", {}}; };
  }
  std::uint64_t floor() { return outbox().consumers.at(0).floor; }
  UplinkStatus status() { return uplink->status(); }

  FakeRandom random;
  LinesLogger logger;
  Platform platform;
  UplinkOptions policy;
  FakePeer peer;
  std::unique_ptr<Uplink> uplink;
  std::size_t seen = 0;
};

}  // namespace edgepost::test
