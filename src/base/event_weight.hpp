#pragma once

#include <cstddef>

#include "edgepost/event.hpp"

namespace edgepost {

/// What an event weighs against limits of memory and of batches: its texts, its data, and what
/// holding it costs besides, so that events without data weigh something too.
inline std::size_t weight(const Event& event) {
  constexpr std::size_t kHolding = 64;
  std::size_t bytes = kHolding + event.topic.size() + event.data.size() + event.key.size() +
                      event.type.size() + event.content_type.size() + event.schema.size() +
                      event.source.size();
  for (const Attribute& attribute : event.attributes) {
    bytes += attribute.name.size() + attribute.value.size();
  }
  return bytes;
}

}  // namespace edgepost
