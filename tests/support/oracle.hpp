#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "edgepost/event.hpp"

namespace edgepost::test {

/// The judge at the receiving end: compares what arrived with what was published.
/// Threads: any.
class Oracle {
 public:
  /// `event` was stored under `id`, after all others.
  void published(const EventId& id, const Event& event);

  /// Something came out at the far end: source and id as they stood on the wire.
  void arrived(const std::string& source, const std::string& id, const std::string& data);

  /// How many different events have arrived.
  [[nodiscard]] std::size_t count() const;
  /// True when so many different events have arrived before `patience` is over.
  bool wait_for(std::size_t count, std::chrono::milliseconds patience) const;

  /// Checks that everything published has arrived, but for the ids that were to be left out, and
  /// nothing else; byte by byte; in order for each key, in which it arrived first.
  void check(const std::string& source, const std::set<std::string>& left_out = {}) const;

  /// How much came again: sent again by the gateway, or by what stands between.
  [[nodiscard]] std::size_t repeats() const;

 private:
  struct Published {
    std::string id, key, data;
  };
  struct Arrived {
    std::string source, id, data;
  };

  mutable std::mutex mutex_;
  mutable std::condition_variable more_;
  std::vector<Published> published_;
  std::vector<Arrived> arrived_;
  std::set<std::string> seen_;  // ids that arrived
};

}  // namespace edgepost::test
