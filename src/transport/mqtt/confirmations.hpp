#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "edgepost/event.hpp"

namespace edgepost::mqtt {

/// Events in flight that count as acknowledged only when the broker has taken them (PUBACK) and
/// whoever processes them has confirmed them by their id, in either order. It holds what is in
/// flight and nothing else.
class Confirmations {
 public:
  /// The event `id` has been sent under `token`.
  void expect(const EventId& id, std::uint64_t token) { waiting_[id] = {.token = token}; }

  /// The broker has taken the event: its token when it was confirmed before.
  std::optional<std::uint64_t> take(const EventId& id);

  /// The broker has refused the event.
  void forget(const EventId& id) { waiting_.erase(id); }

  /// Reads confirmations, one id on a line: the tokens of the events that are proven by now. A line
  /// that is no id, or of no event in flight, says nothing to us.
  std::vector<std::uint64_t> read(std::string_view lines);

  void clear() { waiting_.clear(); }

 private:
  struct Waiting {
    std::uint64_t token = 0;
    bool is_taken = false;
    bool is_confirmed = false;
  };
  std::map<EventId, Waiting> waiting_;
};

}  // namespace edgepost::mqtt
