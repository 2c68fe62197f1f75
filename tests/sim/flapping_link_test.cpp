#include <doctest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "support/fake_random.hpp"
#include "support/fake_transport.hpp"
#include "support/gateway_fixture.hpp"

namespace edgepost {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// A whole gateway on virtual time with an uplink of two endpoints, whose links come and go as a
// seed says: they vanish, hang up, fall silent, refuse, and ask for time. At their end an oracle
// looks at each event that arrives.
struct FlappingFixture : test::GatewayFixture {
  explicit FlappingFixture(std::uint64_t seed) : draw(seed), random(seed) {
    options.platform.random = &random;
    open();
    for (std::size_t i = 0; i < 2; ++i) {
      peers[i].address = "fake://" + std::to_string(i);
      peers[i].on_event = [this, i](const Event& event) { return arrive(i, event); };
    }
    UplinkOptions policy{.name = "cloud", .streams = {"outbox"}};
    policy.max_deliver = 3;
    std::vector<Endpoint> endpoints(2);
    for (std::size_t i = 0; i < 2; ++i)
      endpoints[i].transport = peers[i].transport();
    REQUIRE(gateway->add_uplink(policy, std::move(endpoints)).is_ok());
  }

  std::uint64_t pick(std::uint64_t below) { return draw() % below; }

  // The oracle: events of a key come in order, and only what was not confirmed comes again.
  std::optional<Answer> arrive(std::size_t at, const Event& event) {
    std::uint64_t& latest = arrived[event.key];
    const bool is_poison = event.data == "poison";
    const std::vector<std::uint64_t>& all = published[event.key];
    if (event.sequence < latest) out_of_order.push_back(event.sequence);
    const auto next = std::upper_bound(all.begin(), all.end(), latest);
    // Poison may have died before, so only good ones must not be left out.
    const bool has_gap = event.sequence > latest &&
                         std::any_of(next, std::lower_bound(all.begin(), all.end(), event.sequence),
                                     [this](std::uint64_t left) { return !poison.contains(left); });
    if (has_gap) out_of_order.push_back(event.sequence);
    if (!is_poison && event.sequence == latest) ++repeats;
    latest = std::max(latest, event.sequence);
    if (is_silent[at]) return std::nullopt;
    if (is_poison) return Answer{AnswerClass::suspect, "bad field", {}};
    if (pick(200) == 0) return Answer{AnswerClass::slow_down, "quota", seconds(pick(30))};
    return Answer{};
  }

  void publish() {
    for (int i = 0; i < 4; ++i) {
      const std::string key(1, static_cast<char>('a' + pick(6)));
      const bool is_bad = pick(300) == 0;
      const auto receipt =
          gateway->publish({.topic = "t", .data = is_bad ? "poison" : "x", .key = key});
      REQUIRE(receipt.is_ok());
      published[key].push_back(receipt->sequence);
      if (is_bad) poison.insert(receipt->sequence);
      ++events;
    }
  }

  void come_back(std::size_t i) {
    is_silent[i] = false;
    peers[i].refusal.reset();
    peers[i].probe_finds = true;
  }

  void flap(std::size_t i) {
    ++flaps;
    come_back(i);
    switch (pick(6)) {
      case 0:  // The link is gone.
        peers[i].refusal = Answer{AnswerClass::link_down, "no route to host", {}};
        peers[i].refusal->is_unreachable = true;
        peers[i].probe_finds = false;
        if (peers[i].is_connected) peers[i].drop();
        break;
      case 1:  // It takes everything and says nothing.
        is_silent[i] = true;
        break;
      case 2:  // It hangs up.
        if (peers[i].is_connected) peers[i].drop();
        break;
      default:
        break;
    }
  }

  // Steps as a thread does that waits in poll() for as long as it may.
  void run_until(Instant end) {
    for (int still = 0; clock.now() < end;) {
      for (test::FakePeer& peer : peers)
        peer.last_wait = Duration::zero();
      gateway->step(clock.now(), hours(1));
      const Duration wait = std::max(peers[0].last_wait, peers[1].last_wait);
      REQUIRE(++still < 100'000);  // else it never rests
      if (wait == Duration::zero()) continue;
      still = 0;
      clock.advance(std::min(wait, end - clock.now()));
    }
  }

  std::mt19937_64 draw;
  test::FakeRandom random;
  test::FakePeer peers[2];
  bool is_silent[2] = {false, false};
  std::map<std::string, std::vector<std::uint64_t>> published;  // by key
  std::map<std::string, std::uint64_t> arrived;                 // the latest, by key
  std::set<std::uint64_t> poison;
  std::vector<std::uint64_t> out_of_order;
  std::uint64_t events = 0;
  std::uint64_t repeats = 0;
  std::uint64_t flaps = 0;
};

// Publishes, and lets the links flap, for a day; then both are there, and everything is settled.
void live_a_day(FlappingFixture& world) {
  const Instant evening = world.clock.now() + hours(24);
  Instant flaps_at[2] = {world.clock.now(), world.clock.now() + minutes(3)};
  Instant publishes_at = world.clock.now();
  while (world.clock.now() < evening) {
    for (std::size_t i = 0; i < 2; ++i) {
      if (world.clock.now() < flaps_at[i]) continue;
      world.flap(i);
      flaps_at[i] = world.clock.now() + seconds(1 + world.pick(600));
    }
    if (world.clock.now() >= publishes_at) {
      world.publish();
      publishes_at = world.clock.now() + minutes(2);
    }
    world.run_until(std::min({flaps_at[0], flaps_at[1], publishes_at, evening}));
  }
  world.come_back(0);
  world.come_back(1);
  world.run_until(evening + hours(1));
}

TEST_CASE("flapping link: a day of it loses nothing and keeps order [P-10][P-12][P-31][P-32]") {
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    INFO("seed " << seed);
    FlappingFixture world(seed);
    live_a_day(world);
    REQUIRE(world.gateway->flush().is_ok());
    const Ledger ledger = world.outbox().ledger;
    CHECK(test::balances(ledger));
    CHECK(ledger.pending == 0);
    CHECK(ledger.acknowledged + ledger.dead == world.events);
    CHECK(ledger.dead <= world.poison.size());
    CHECK(world.out_of_order == std::vector<std::uint64_t>{});
    const UplinkStatus status = world.gateway->status().uplinks.front();
    std::uint64_t breaks = 0;
    std::uint64_t attempts = 0;
    for (const EndpointStatus& endpoint : status.endpoints) {
      breaks += endpoint.failures;
      attempts += endpoint.connects + endpoint.failures;
    }
    INFO("flaps " << world.flaps << ", repeats " << world.repeats << ", breaks " << breaks
                  << ", attempts " << attempts);
    CHECK(world.repeats <= 64 * breaks);
    CHECK(attempts <= 5 * world.flaps);
    CHECK(status.state == UplinkState::online);
    CHECK(status.address == "fake://0");
  }
}

}  // namespace
}  // namespace edgepost
