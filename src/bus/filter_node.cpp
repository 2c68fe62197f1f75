#include "bus/filter_node.hpp"

#include <algorithm>
#include <new>

namespace edgepost::bus {

void* IndexHeap::allocate(std::size_t size) {
  bytes += size;
  return ::operator new(size);
}

void IndexHeap::retire(void* object, std::size_t size) {
  bytes -= size;
  retired.push_back({object, [](void* memory) { ::operator delete(memory); }});
}

FilterNode* FilterNode::make(std::string_view text, std::uint32_t capacity, IndexHeap& heap) {
  void* memory = heap.allocate(sizeof(FilterNode) + capacity * sizeof(Place) + text.size());
  auto* node = new (memory) FilterNode(capacity, static_cast<std::uint16_t>(text.size()));
  Place* places = node->places();
  for (std::uint32_t i = 0; i < capacity; ++i)
    new (places + i) Place(nullptr);
  std::copy(text.begin(), text.end(), reinterpret_cast<char*>(places + capacity));
  return node;
}

std::size_t FilterNode::bytes() const {
  return sizeof(FilterNode) + capacity_ * sizeof(Place) + text_bytes_;
}

// Readers that see the place count see what is in the place.
void FilterNode::push(Listener* listener) {
  const std::uint32_t used = used_.load(std::memory_order_relaxed);
  places()[used].store(listener, std::memory_order_release);
  used_.store(used + 1, std::memory_order_release);
  ++live_;
}

FilterNode* FilterNode::insert(Listener* listener, IndexHeap& heap) {
  const std::uint32_t used = used_.load(std::memory_order_relaxed);
  const bool is_last =
      used == 0 || places()[used - 1].load(std::memory_order_relaxed)->rank < listener->rank;
  if (!is_last || used == capacity_) return replace(2 * live_, listener, heap);
  push(listener);
  return this;
}

FilterNode* FilterNode::erase(const Listener* listener, IndexHeap& heap) {
  std::uint32_t used = used_.load(std::memory_order_relaxed);
  Place* place = std::find(places(), places() + used, listener);
  place->store(nullptr, std::memory_order_relaxed);
  --live_;
  if (live_ == 0) {
    heap.retire(this, bytes());
    return nullptr;
  }
  if (live_ <= capacity_ / 4) return replace(2 * live_, nullptr, heap);
  while (places()[used - 1].load(std::memory_order_relaxed) == nullptr)
    --used;
  used_.store(used, std::memory_order_relaxed);
  return this;
}

// `added` may be null.
FilterNode* FilterNode::replace(std::uint32_t capacity, Listener* added, IndexHeap& heap) {
  FilterNode* node = make(text(), capacity, heap);
  const std::uint32_t used = used_.load(std::memory_order_relaxed);
  for (std::uint32_t i = 0; i < used; ++i) {
    Listener* listener = places()[i].load(std::memory_order_relaxed);
    if (listener == nullptr) continue;
    if (added != nullptr && added->rank < listener->rank) {
      node->push(added);
      added = nullptr;
    }
    node->push(listener);
  }
  if (added != nullptr) node->push(added);
  heap.retire(this, bytes());
  return node;
}

}  // namespace edgepost::bus
