#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "document/codec.hpp"
#include "document/edit.hpp"
#include "document/merge.hpp"
#include "document/policy.hpp"

namespace edgepost::document {

/// Rules in which the first letter of a field is the tag of its type.
inline Policies lettered() {
  return {{{"*", "x*", Policy::keep_both},
           {"*", "M*", Policy::maximum},
           {"*", "m*", Policy::minimum},
           {"*", "c*", Policy::counter},
           {"*", "s*", Policy::set},
           {"*", "g*", Policy::log}},
          [](std::string_view replica) { return replica == "cloud"; }};
}

/// What was done, and which other deeds its replica knew of: an independent memory of who saw what.
struct Deed {
  Edit edit{};
  HybridTime time = 0;
  std::string replica{};
  std::set<std::size_t> known{};
};

/// Replicas of one document that write, send and receive at random: late, repeated, in any order
/// and over clocks that jump.
class History {
 public:
  History(std::uint64_t seed, std::size_t replicas, bool deletes)
      : random_(seed), deletes_(deletes), peers_(replicas) {
    for (std::size_t i = 0; i < replicas; ++i)
      peers_[i].name = i == 0 ? "cloud" : "gw" + std::to_string(i);
  }

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      Peer& peer = peers_[below(peers_.size())];
      switch (below(5)) {
        case 0:
        case 1:
          write(peer);
          break;
        case 2:
          sent_.push_back(peer);
          break;
        default:
          if (!sent_.empty()) receive(peer, sent_[below(sent_.size())]);
      }
    }
  }

  /// Everybody hears of everybody, twice, in some order.
  void exchange() {
    for (int round = 0; round < 2; ++round) {
      for (Peer& to : peers_) {
        for (const Peer& from : std::vector<Peer>(peers_))
          receive(to, from);
      }
    }
  }

  [[nodiscard]] std::vector<State> states() const {
    std::vector<State> all;
    for (const Peer& peer : peers_)
      all.push_back(peer.state);
    for (const Peer& message : sent_)
      all.push_back(message.state);
    return all;
  }
  [[nodiscard]] const State& state(std::size_t place) const { return peers_[place].state; }
  [[nodiscard]] const std::vector<Deed>& deeds() const { return deeds_; }
  [[nodiscard]] const Policies& policies() const { return policies_; }
  std::size_t below(std::size_t end) { return static_cast<std::size_t>(random_() % end); }

 private:
  struct Peer {
    std::string name{};
    State state{};
    std::uint64_t sequence = 0;
    HybridTime last = 0;
    std::set<std::size_t> known{};
  };

  void write(Peer& peer) {
    if (deletes_ && below(8) == 0) return erase(peer.state);
    constexpr std::string_view kTypes = "lxMmcsg";
    const char type = kTypes[below(kTypes.size())];
    Edit edit{.field = std::string(1, type) + std::to_string(below(2)),
              .value = std::to_string(below(9)),
              .amount = static_cast<std::int64_t>(below(9)) - 4};
    switch (type) {
      case 'l':
      case 'x':
        edit.kind = below(4) == 0 ? Edit::Kind::remove : Edit::Kind::set;
        if (edit.kind == Edit::Kind::remove) edit.value.clear();
        break;
      case 'c':
        edit.kind = below(9) == 0 ? Edit::Kind::reset : Edit::Kind::increment;
        break;
      case 's':
        edit.kind = below(3) == 0 ? Edit::Kind::take : Edit::Kind::add;
        break;
      case 'g':
        edit.kind = Edit::Kind::append;
        break;
      default:
        edit.kind = below(9) == 0 ? Edit::Kind::reset : Edit::Kind::raise;
    }
    // Their clocks stand apart, and jump.
    const HybridTime wall = (1'000 + below(50)) << 16U;
    peer.last = std::max({wall, peer.last + 1, latest(peer.state, edit.field) + 1});
    const Author author{{peer.name, ++peer.sequence}, peer.last};
    const Status status = apply(peer.state, "d", edit, author, policies_);
    EDGEPOST_ASSERT(status.is_ok());
    deeds_.push_back({edit, peer.last, peer.name, peer.known});
    peer.known.insert(deeds_.size() - 1);
  }

  static void receive(Peer& to, const Peer& from) {
    to.state = merge(to.state, from.state);
    to.known.insert(from.known.begin(), from.known.end());
  }

  std::mt19937_64 random_;
  const bool deletes_;
  const Policies policies_ = lettered();
  std::vector<Peer> peers_;
  std::vector<Peer> sent_;
  std::vector<Deed> deeds_;
};

}  // namespace edgepost::document
