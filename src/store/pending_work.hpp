#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "edgepost/consumer.hpp"
#include "edgepost/event.hpp"
#include "store/attempts.hpp"
#include "store/stream_log.hpp"

namespace edgepost::store {

/// An event that was taken to be stored soon.
struct Buffered {
  std::vector<StreamLog*> streams;
  Event event;
  std::optional<Duration> guessed_at;
};

/// A place in a stream that could not be read.
struct Suspect {
  StreamLog* stream;
  std::uint64_t sequence;

  bool operator==(const Suspect&) const = default;
};

/// An event that its consumer has given up, on its way to become a dead letter.
struct Burial {
  std::weak_ptr<Consumer::State> consumer;
  Stored stored;
  std::string reason;
  unsigned attempts = 0;
  std::string first_error;
  std::string last_error;
};

/// A requeued dead letter that was delivered.
struct Redelivered {
  std::uint32_t stream;
  std::string consumer;
  std::uint64_t sequence;

  auto operator<=>(const Redelivered&) const = default;
};

/// What is to be written of dead letters with the next step.
struct DeadWork {
  std::vector<Burial> burials;
  std::set<Redelivered> redelivered;
};

/// The tries that an open consumer has to store.
struct OpenAttempts {
  std::shared_ptr<Consumer::State> consumer;
  std::vector<AttemptRow> rows;
};

}  // namespace edgepost::store
