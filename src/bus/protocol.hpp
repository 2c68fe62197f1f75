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
  using Place = Atomic<const void*>;

  /// Owner: from now on, what can be reached is not destroyed. `before`: word().
  /// Requires: depth_of(word()) < kDepthMax.
  template <typename Barrier>
  void enter(std::uint32_t before, const Barrier& barrier) {
    word_.store(before + 1, std::memory_order_relaxed);
    barrier.light();
  }

  /// Owner: nothing that was reached since the enter() with the same `before` is used any more.
  void leave(std::uint32_t before) {
    const std::uint32_t next_passage = depth_of(before) == 0 ? kDepths : 0;
    word_.store(before + next_passage, std::memory_order_release);
  }

  /// Owner: for enter() and leave().
  [[nodiscard]] std::uint32_t word() const { return word_.load(std::memory_order_relaxed); }

  /// How deep in each other the passages were that a word stands for; 0: the owner was outside.
  static std::uint32_t depth_of(std::uint32_t word) { return word % kDepths; }

  /// Owner: shows that it is about to run `entry`. False: it has ended and must not be run.
  template <typename Flag, typename Barrier>
  static bool begin(Place& place, const void* entry, const Flag& is_active,
                    const Barrier& barrier) {
    place.store(entry, std::memory_order_release);
    barrier.light();
    return is_active.load(std::memory_order_acquire);
  }

  /// Owner: the call is over, or was not made. False: the entry has ended meanwhile, and somebody
  /// may wait for this.
  template <typename Flag, typename Barrier>
  static bool finish(Place& place, const Flag& is_active, const Barrier& barrier) {
    place.store(nullptr, std::memory_order_release);
    barrier.light();
    return is_active.load(std::memory_order_acquire);
  }

  /// Others, after unlinking and a heavy barrier: a word to ask has_left() for.
  [[nodiscard]] std::uint32_t look() const { return word_.load(std::memory_order_acquire); }

  /// Others: whether the owner was outside at that look, or has been since.
  [[nodiscard]] bool has_left(std::uint32_t looked) const {
    return depth_of(looked) == 0 || look() / kDepths != looked / kDepths;
  }

  /// Others, after marking `entry` as ended and a heavy barrier: whether the owner runs it.
  [[nodiscard]] bool runs(const void* entry) const {
    for (const auto& place : running_) {
      if (place.load(std::memory_order_acquire) == entry) return true;
    }
    return false;
  }

  /// Owner: where it shows what it runs at nesting depth `depth`.
  Place& place(std::size_t depth) { return running_[depth]; }

 private:
  // One word for both, since each publish reads and writes it: the depth, and above it how often
  // the owner has been inside. When the latter overflows, at worst a look takes the owner for one
  // that has not left.
  static constexpr std::uint32_t kDepths = 32;
  static_assert(kDepthMax < kDepths);

  Atomic<std::uint32_t> word_{0};
  std::array<Place, kDepthMax> running_{};
};

}  // namespace edgepost::bus
