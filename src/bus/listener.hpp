#pragma once

#include <cstdint>
#include <vector>

namespace edgepost::bus {

/// What an index of filters knows of a subscription.
struct Listener {
  std::uint64_t rank = 0;  ///< Smaller ones hear an event first; different for each of a bus.
};

/// The listeners of one topic, by rank. Cleared and filled again and again, it takes no memory.
using Matches = std::vector<Listener*>;

/// Something that was replaced and may still be read: to be destroyed when no reader can see it.
struct Retired {
  void* object = nullptr;
  void (*destroy)(void*) = nullptr;
};

/// `object`, to be deleted.
template <typename T>
Retired retired(T* object) {
  return {object, [](void* old) { delete static_cast<T*>(old); }};
}

}  // namespace edgepost::bus
