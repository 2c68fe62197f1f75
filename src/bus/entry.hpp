#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "bus/epochs.hpp"
#include "bus/listener.hpp"
#include "bus/stage.hpp"
#include "edgepost/bus.hpp"

namespace edgepost::bus {

/// Before every priority that a user may give, and not counted: what the bus itself listens to.
inline constexpr int kInternalPriority = 101;

/// One subscription. While the bus knows it, it owns itself through `self`, so that publishers need
/// not count references.
struct Entry : Listener {
  /// Where it is in its life: open, or running while it ended itself, or being destroyed, or over.
  enum class End : unsigned char { open, abandoned, closing, closed };

  std::atomic<bool> is_active{true};  ///< False once it has ended. Changed under the bus's mutex.
  bool is_plain = true;               ///< A bare handler that is counted: the fast case.
  std::uint8_t weight = 1;            ///< In the counts of the bus: 0 for what is internal.
  Handler handler;                    ///< What is called when there is no stage.

  std::shared_ptr<Stage> stage;
  std::string filter;
  std::weak_ptr<Shared> bus;    ///< Gone when the bus is.
  std::shared_ptr<Entry> self;  ///< Until no publisher can see it any more.
  Entry* previous = nullptr;    ///< In order of subscribing; guarded by the bus's mutex.
  Entry* next = nullptr;
  End end = End::open;             ///< Guarded by the mutex of the epochs, as the next one is.
  const Reader* closer = nullptr;  ///< The thread that destroys its handler.

  [[nodiscard]] bool is_counted() const { return weight != 0; }

  /// Its name; its filter when it has none.
  [[nodiscard]] std::string_view label() const {
    return stage && !stage->name().empty() ? stage->name() : std::string_view(filter);
  }

  /// Offers `event` to whoever serves this. Requires: a Calling or Inside::begin that said yes.
  Stage::Outcome call(const Event& event) {
    if (stage) return stage->offer(event);
    return handler(event).is_ok() ? Stage::Outcome::taken : Stage::Outcome::failed;
  }
};

inline bool Inside::begin(const Entry& entry) {
  return reader_.shown.begin(*place_, &entry, entry.is_active, epochs_.barrier());
}

inline void Inside::finish(Entry& entry) {
  const bool is_active = reader_.shown.finish(*place_, entry.is_active, epochs_.barrier());
  if (!is_active) [[unlikely]]
    epochs_.left(entry);
}

}  // namespace edgepost::bus
