#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "edgepost/event.hpp"

namespace edgepost::bus {

/// A bounded queue of events without a lock, after Dmitry Vyukov's bounded queue: a cell's turn
/// says whose place in the order it waits for, to be written or to be read. The consumer takes an
/// event by putting its spare one into the cell; so events are copied once, and memory is used
/// again. `Atomic` is std::atomic, and `Item` an event, but in tests of schedules.
/// Threads: any number push and drop, one pops.
template <template <typename> class Atomic, typename Item>
class BasicRing {
 public:
  /// Requires: `capacity` is a power of two. `first` is the first place, for tests of the overflow.
  explicit BasicRing(std::size_t capacity, std::size_t first = 0)
      : mask_(capacity - 1),
        items_(std::make_unique<Item[]>(capacity + 1)),
        cells_(std::make_unique<Cell[]>(capacity)),
        spare_(&items_[capacity]),
        head_(first),
        tail_(first) {
    for (std::size_t place = first; place != first + capacity; ++place) {
      cells_[place & mask_].turn.store(to_write(place), std::memory_order_relaxed);
      cells_[place & mask_].item = &items_[place & mask_];
    }
  }

  /// Copies `item` to the end. False: there is no room. What is pushed here and what is read in
  /// is_empty() have one order with all seq_cst operations, for whoever puts the consumer to sleep.
  bool push(const Item& item) {
    std::size_t place = tail_.load(std::memory_order_relaxed);
    for (;;) {
      Cell& cell = cells_[place & mask_];
      const std::size_t turn = cell.turn.load(std::memory_order_seq_cst);
      if (turn == to_write(place)) {
        if (!tail_.compare_exchange_strong(place, place + 1, std::memory_order_relaxed)) continue;
        *cell.item = item;  // into the memory that its texts have
        cell.turn.store(to_read(place), std::memory_order_seq_cst);
        return true;
      }
      if (is_before(turn, to_write(place))) return false;
      place = tail_.load(std::memory_order_relaxed);
    }
  }

  /// Takes the oldest event away to make room. False: nothing was taken, as there is room or soon
  /// will be, or as another thread is just writing the oldest one.
  bool drop() {
    return take([](Cell&) {}, mask_ + 1);
  }

  /// The oldest event, which stays as it is until the next pop; null: none.
  Item* pop() {
    const bool is_there = take([this](Cell& cell) { std::swap(cell.item, spare_); }, 1);
    return is_there ? spare_ : nullptr;
  }

  /// Whether the consumer would find nothing.
  [[nodiscard]] bool is_empty() const {
    const std::size_t place = head_.load(std::memory_order_relaxed);
    return is_before(cells_[place & mask_].turn.load(std::memory_order_seq_cst), to_read(place));
  }

  /// Events in it, those that are being written included; changing while it is counted.
  [[nodiscard]] std::size_t size() const {
    const std::size_t head = head_.load(std::memory_order_relaxed);
    const std::size_t count = tail_.load(std::memory_order_relaxed) - head;
    return count > mask_ + 1 ? mask_ + 1 : count;
  }

 private:
  struct Cell {
    Atomic<std::size_t> turn{0};
    Item* item = nullptr;
  };

  static std::size_t to_write(std::size_t place) { return 2 * place; }
  static std::size_t to_read(std::size_t place) { return 2 * place + 1; }

  // Places may overflow, so that only their distance counts.
  static bool is_before(std::size_t a, std::size_t b) {
    return std::bit_cast<std::ptrdiff_t>(a - b) < 0;
  }

  // Takes the oldest event when there are `least`.
  template <typename Use>
  bool take(Use use, std::size_t least) {
    std::size_t place = head_.load(std::memory_order_relaxed);
    for (;;) {
      Cell& cell = cells_[place & mask_];
      const std::size_t turn = cell.turn.load(std::memory_order_seq_cst);
      if (turn == to_read(place)) {
        const std::size_t tail = tail_.load(std::memory_order_relaxed);
        if (is_before(tail, place + least)) return false;
        if (!head_.compare_exchange_strong(place, place + 1, std::memory_order_relaxed)) continue;
        use(cell);
        cell.turn.store(to_write(place + mask_ + 1), std::memory_order_seq_cst);
        return true;
      }
      if (is_before(turn, to_read(place))) return false;
      place = head_.load(std::memory_order_relaxed);
    }
  }

  const std::size_t mask_;
  const std::unique_ptr<Item[]> items_;  // one more than there are cells
  const std::unique_ptr<Cell[]> cells_;
  Item* spare_;                           // the consumer's, in no cell
  alignas(64) Atomic<std::size_t> head_;  // consumer and producers do not share a cache line
  alignas(64) Atomic<std::size_t> tail_;
};

using Ring = BasicRing<std::atomic, Event>;

}  // namespace edgepost::bus
