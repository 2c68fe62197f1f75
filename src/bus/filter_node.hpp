#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "bus/listener.hpp"

namespace edgepost::bus {

/// Gives the writer memory for objects that readers look at, and takes it back through the list of
/// what is retired.
struct IndexHeap {
  std::vector<Retired>& retired;
  std::size_t& bytes;  ///< In use.

  void* allocate(std::size_t size);
  void retire(void* object, std::size_t size);
};

/// One filter and its listeners, in one piece of memory. A listener that goes leaves a hole; when
/// there is no room at the right place, or too much of it, a copy replaces the node.
/// Threads: collect() and text() any, all else one at a time.
class FilterNode {
 public:
  /// Without listeners. Requires: room for at least one.
  static FilterNode* make(std::string_view text, std::uint32_t capacity, IndexHeap& heap);

  /// Adds the listeners to `out`, in the order of their ranks.
  void collect(Matches& out) const {
    const std::uint32_t used = used_.load(std::memory_order_acquire);
    for (std::uint32_t i = 0; i < used; ++i) {
      Listener* listener = places()[i].load(std::memory_order_acquire);
      if (listener != nullptr) out.push_back(listener);
    }
  }

  /// The filter without the level `#`.
  [[nodiscard]] std::string_view text() const {
    return {reinterpret_cast<const char*>(places() + capacity_), text_bytes_};
  }

  /// The node that has `listener`, too: this one or what replaces it.
  [[nodiscard]] FilterNode* insert(Listener* listener, IndexHeap& heap);

  /// The node without `listener`, which it has: this one, what replaces it, or null when that was
  /// the last one.
  [[nodiscard]] FilterNode* erase(const Listener* listener, IndexHeap& heap);

  /// What the node takes.
  [[nodiscard]] std::size_t bytes() const;

 private:
  using Place = std::atomic<Listener*>;

  FilterNode(std::uint32_t capacity, std::uint16_t text_bytes)
      : capacity_(capacity), text_bytes_(text_bytes) {}

  Place* places() { return reinterpret_cast<Place*>(this + 1); }
  [[nodiscard]] const Place* places() const { return reinterpret_cast<const Place*>(this + 1); }
  void push(Listener* listener);
  FilterNode* replace(std::uint32_t capacity, Listener* added, IndexHeap& heap);

  // The places follow the object, and the text follows them.
  alignas(Place) std::atomic<std::uint32_t> used_{0};  // places, holes included; the last is none
  std::uint32_t live_ = 0;
  const std::uint32_t capacity_;
  const std::uint16_t text_bytes_;
};

}  // namespace edgepost::bus
