#pragma once

#include <cstdint>

namespace edgepost::bus {

/// What a filter leads to. A subscription is one.
struct Listener {
  std::uint64_t rank = 0;  ///< The smaller one hears an event first; no two have the same.
};

/// What the writer of a structure has replaced, and readers may still look at.
struct Retired {
  void* object;
  void (*destroy)(void* object);  ///< To be called when no reader can see it any more.
};

}  // namespace edgepost::bus
