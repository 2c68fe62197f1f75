#include "document/merge.hpp"

#include <doctest.h>

#include "document/view.hpp"
#include "unit/document/history.hpp"

namespace edgepost::document {
namespace {

constexpr std::uint64_t kSeeds = 300;

std::string bytes(const State& state) {
  std::string out;
  append_state("d", state, out);
  return out;
}

std::size_t replicas(std::uint64_t seed) { return 2 + seed % 4; }

TEST_CASE("merge: neither the order nor a repeat of messages matters, and nothing gets less") {
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    CAPTURE(seed);
    History history(seed, replicas(seed), true);
    history.run(60);
    const std::vector<State> states = history.states();
    for (int i = 0; i < 30; ++i) {
      const State& a = states[history.below(states.size())];
      const State& b = states[history.below(states.size())];
      const State& c = states[history.below(states.size())];
      const State both = merge(a, b);
      CHECK(bytes(both) == bytes(merge(b, a)));
      CHECK(bytes(merge(both, c)) == bytes(merge(a, merge(b, c))));
      CHECK(merge(a, a) == a);
      CHECK(includes(both, a));
      CHECK(includes(both, b));
    }
  }
}

TEST_CASE("merge: replicas that have heard of each other are equal, byte by byte") {
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    CAPTURE(seed);
    History history(seed, replicas(seed), true);
    history.run(100);
    history.exchange();
    for (std::size_t i = 1; i < replicas(seed); ++i)
      CHECK(bytes(history.state(i)) == bytes(history.state(0)));
  }
}

TEST_CASE("merge: each write that is held has been seen") {
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    CAPTURE(seed);
    History history(seed, replicas(seed), true);
    history.run(60);
    for (const State& state : history.states()) {
      if (state.generation == 0) continue;
      const Result<Message> read = read_state(bytes(state));  // it checks just that
      REQUIRE_MESSAGE(read.is_ok(), read.status().message());
      CHECK(read->state == state);
    }
  }
}

// The deeds on a field that no other deed on it knew of, but for those of `kind` that only destroy.
std::vector<const Deed*> undisturbed(const History& history, const std::string& field,
                                     const std::string& element = {}) {
  std::vector<const Deed*> found;
  const std::vector<Deed>& deeds = history.deeds();
  for (std::size_t i = 0; i < deeds.size(); ++i) {
    const auto is_of = [&](const Deed& deed) {
      return deed.edit.field == field && (element.empty() || deed.edit.value == element);
    };
    const bool is_maker =
        deeds[i].edit.kind == Edit::Kind::set || deeds[i].edit.kind == Edit::Kind::add;
    if (!is_maker || !is_of(deeds[i])) continue;
    const bool is_known = std::any_of(deeds.begin(), deeds.end(), [&](const Deed& other) {
      return is_of(other) && other.known.contains(i);
    });
    if (!is_known) found.push_back(&deeds[i]);
  }
  return found;
}

TEST_CASE("merge: no write is lost that nobody has replaced knowing it") {
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    CAPTURE(seed);
    History history(seed, replicas(seed), false);
    history.run(100);
    history.exchange();
    const State& state = history.state(0);
    for (const char* const field : {"x0", "x1"}) {
      std::set<std::string> wanted;
      for (const Deed* deed : undisturbed(history, field))
        wanted.insert(deed->edit.value);
      std::set<std::string> held;
      if (const auto found = state.fields.find({field, 1}); found != state.fields.end()) {
        for (const auto& [dot, write] : std::get<Siblings>(found->second).writes)
          held.insert(write.value);
      }
      CHECK(held == wanted);
    }
    for (const char* const field : {"s0", "s1"}) {
      const auto found = state.fields.find({field, 5});
      for (int element = 0; element < 9; ++element) {
        const std::string name = std::to_string(element);
        const bool is_held =
            found != state.fields.end() && std::get<Set>(found->second).elements.contains(name);
        CHECK(is_held == !undisturbed(history, field, name).empty());
      }
    }
  }
}

TEST_CASE("merge: the latest write wins, and the latest entries stay") {
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    CAPTURE(seed);
    History history(seed, replicas(seed), false);
    history.run(100);
    history.exchange();
    const State& state = history.state(0);
    for (const char* const field : {"l0", "g0"}) {
      Write latest;
      std::size_t count = 0;
      for (const Deed& deed : history.deeds()) {
        if (deed.edit.field != field) continue;
        ++count;
        if (std::pair(deed.time, deed.replica) > std::pair(latest.time, latest.dot.replica))
          latest = {deed.time, {deed.replica, 0}, deed.edit.value};
      }
      const bool is_log = field[0] == 'g';
      const auto found = state.fields.find({field, is_log ? 6U : 0U});
      CHECK((found != state.fields.end()) == (count > 0));
      if (count == 0 || found == state.fields.end()) continue;
      if (is_log) CHECK(std::get<Log>(found->second).entries.size() == count);
      const Write& held = is_log ? std::get<Log>(found->second).entries.back()
                                 : std::get<Register>(found->second).last;
      CHECK(held.value == latest.value);
      CHECK(held.dot.replica == latest.dot.replica);
    }
  }
}

TEST_CASE("merge: a counter has what all have added since it was reset, once") {
  const Policies policies = lettered();
  State a, b;
  REQUIRE(apply(a, "d", {Edit::Kind::increment, "c", {}, 3}, {{"gw", 1}, 1}, policies).is_ok());
  const State early = a;
  REQUIRE(apply(a, "d", {Edit::Kind::increment, "c", {}, -1}, {{"gw", 2}, 2}, policies).is_ok());
  REQUIRE(apply(b, "d", {Edit::Kind::increment, "c", {}, 10}, {{"cloud", 1}, 1}, policies).is_ok());
  b = merge(merge(merge(b, a), early), a);
  CHECK(visible(b, "d", policies).at("c") == "12");
  REQUIRE(
      apply(a, "d", {.kind = Edit::Kind::reset, .field = "c"}, {{"gw", 3}, 3}, policies).is_ok());
  REQUIRE(apply(a, "d", {Edit::Kind::increment, "c", {}, 5}, {{"gw", 4}, 4}, policies).is_ok());
  CHECK(visible(merge(b, a), "d", policies).at("c") == "5");
}

TEST_CASE("merge: a log keeps the newest of all, whichever came first") {
  const Policies policies = lettered();
  State a, b;
  for (std::uint64_t i = 1; i <= kLogEntriesMax; ++i) {
    const std::string value = std::to_string(i);
    REQUIRE(apply(a, "d", {Edit::Kind::append, "g", value}, {{"gw", i}, 2 * i}, policies).is_ok());
    REQUIRE(apply(b, "d", {Edit::Kind::append, "g", value}, {{"cloud", i}, 2 * i + 1}, policies)
                .is_ok());
  }
  const State both = merge(a, b);
  const auto& entries = std::get<Log>(both.fields.at({"g", 6})).entries;
  CHECK(entries.size() == kLogEntriesMax);
  CHECK(entries.front().value == std::to_string(kLogEntriesMax / 2 + 1));
  CHECK(entries.back().value == std::to_string(kLogEntriesMax));
}

TEST_CASE("merge: a document that was deleted and made anew has nothing of the old one") {
  const Policies policies = lettered();
  State a, b;
  REQUIRE(apply(a, "d", {Edit::Kind::set, "l", "1"}, {{"gw", 1}, 9}, policies).is_ok());
  b = merge(b, a);
  erase(b);
  REQUIRE(apply(a, "d", {Edit::Kind::set, "l2", "2"}, {{"gw", 2}, 99}, policies).is_ok());
  CHECK(visible(merge(a, b), "d", policies).empty());
  REQUIRE(apply(b, "d", {Edit::Kind::set, "l3", "3"}, {{"cloud", 1}, 5}, policies).is_ok());
  CHECK(visible(merge(a, b), "d", policies) == std::map<std::string, std::string>{{"l3", "3"}});
  CHECK(merge(a, b).generation == 3);
}

}  // namespace
}  // namespace edgepost::document
