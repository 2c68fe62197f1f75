#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "edgepost/event.hpp"

namespace edgepost {

/// An event that a consumer could not deliver, set aside with its story. It is kept until it is
/// requeued and then delivered, or purged.
struct DeadLetter {
  std::string stream;        ///< Where it was stored.
  std::string consumer;      ///< Who could not deliver it.
  Event event;               ///< As stored; id and sequence included.
  std::string reason;        ///< One word: `max_deliver`, or what Consumer::reject was given.
  unsigned attempts = 0;     ///< Tries that reached the other side.
  std::string first_error;   ///< What the first try came to; at most 256 bytes.
  std::string last_error;    ///< What the last try came to; at most 256 bytes.
  bool is_requeued = false;  ///< Waits to be delivered again.
};

/// Which dead letters are meant; what is empty restricts nothing.
struct DeadLetterQuery {
  std::string stream{};                    ///< Of this stream.
  std::string consumer{};                  ///< Of this consumer.
  std::string reason{};                    ///< With this reason.
  std::vector<std::uint64_t> sequences{};  ///< With one of these sequences.
};

/// Dead letters that have stream, consumer and reason in common.
struct DeadLetterGroup {
  std::string stream;          ///< Where they were stored.
  std::string consumer;        ///< Who could not deliver them.
  std::string reason;          ///< Why.
  std::uint64_t dead = 0;      ///< Set aside.
  std::uint64_t requeued = 0;  ///< Waiting to be delivered again.
};

}  // namespace edgepost
