#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace edgepost::bus {

/// What one thread shows to others while it reads a bus and runs handlers. The owner writes it with
/// plain stores; others read it. A template so that a test can run every schedule of the very same
/// steps: `Atomic` is std::atomic, or a model of it.
///
/// Two questions are answered with it. May what was unlinked be destroyed? When every reader that
/// was inside after the unlinking has left since. May a handler be destroyed? When it was marked
/// ended, and no reader shows it as running since. In both the reader stores and then loads, and so
/// does the other side: hence the barriers (see platform/barrier.hpp).
template <template <typename> class Atomic, std::size_t kDepthMax>
class Announcement {
 public:
  /// Owner: from now on, what can be reached is not destroyed.
  template <typename Barrier>
  void enter(const Barrier& barrier) {
    passages_.store(passages_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    barrier.light();
  }

  /// Owner: nothing that was reached since enter() is used any more.
  void leave() {
    passages_.store(passages_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }

  /// Owner: shows that it is about to run `entry` at nesting depth `place`. False: it has ended and
  /// must not be run.
  template <typename Flag, typename Barrier>
  bool begin(std::size_t place, const void* entry, const Flag& is_active, const Barrier& barrier) {
    running_[place].store(entry, std::memory_order_release);
    barrier.light();
    return is_active.load(std::memory_order_acquire);
  }

  /// Owner: the call is over, or was not made. False: the entry has ended meanwhile, and somebody
  /// may wait for this.
  template <typename Flag, typename Barrier>
  bool finish(std::size_t place, const Flag& is_active, const Barrier& barrier) {
    running_[place].store(nullptr, std::memory_order_release);
    barrier.light();
    return is_active.load(std::memory_order_acquire);
  }

  /// Others, after unlinking and a heavy barrier: odd while the owner is inside. Another value
  /// later says that it has left since.
  [[nodiscard]] std::uint32_t passages() const { return passages_.load(std::memory_order_acquire); }

  /// Others, after marking `entry` as ended and a heavy barrier: whether the owner runs it.
  [[nodiscard]] bool runs(const void* entry) const {
    for (const auto& place : running_) {
      if (place.load(std::memory_order_acquire) == entry) return true;
    }
    return false;
  }

  /// Owner: what it runs at `place`.
  [[nodiscard]] const void* running(std::size_t place) const {
    return running_[place].load(std::memory_order_relaxed);
  }

 private:
  Atomic<std::uint32_t> passages_{0};
  std::array<Atomic<const void*>, kDepthMax> running_{};
};

}  // namespace edgepost::bus
