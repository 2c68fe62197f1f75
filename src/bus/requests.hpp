#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/ids.hpp"
#include "bus/runner.hpp"
#include "edgepost/event.hpp"
#include "edgepost/platform.hpp"
#include "edgepost/status.hpp"
#include "edgepost/time.hpp"

namespace edgepost::bus {

/// What matches every reply topic of a bus.
inline constexpr std::string_view kReplyFilter = "edgepost/reply/+";

/// The requests of a bus that wait for their reply; see Bus::request. As a task it ends those whose
/// deadline has come.
/// Threads: any. `done` is called without a lock, once for each request that is not cancelled.
class Requests final : public Task {
 public:
  using Done = std::function<void(const Result<Event>&)>;

  /// Must outlive: `random` this object.
  explicit Requests(Random& random) : ids_(random) {}

  /// Whether this is the first call: then somebody has to give answer() what matches kReplyFilter.
  bool listen();

  /// Gives `request` a reply topic of its own, and a correlation id unless it has one, and waits.
  /// Returns its number.
  std::uint64_t begin(Event& request, Timestamp wall, Instant deadline, Done done);

  /// Whether it still waits.
  [[nodiscard]] bool waits(std::uint64_t number) const;

  /// Waits no longer, without calling `done`. False: it did not wait any more.
  bool cancel(std::uint64_t number);

  /// Ends the request whose reply this is, if it still waits.
  void answer(const Event& reply);

  /// Ends the requests whose deadline has come. Returns the next deadline; max: there is none.
  Instant run(Instant now) override;

  /// Ends all requests, as the bus is destroyed.
  void close();

 private:
  struct Waiting {
    std::string topic;
    Instant deadline;
    Done done;

    void fail(std::string_view why) const;
  };
  using All = std::unordered_map<std::uint64_t, Waiting>;

  Waiting take(All::iterator found);

  IdSource ids_;
  mutable std::mutex mutex_;
  bool listens_ = false;
  std::uint64_t last_ = 0;
  All waiting_;                                            // by number
  std::set<std::pair<Instant, std::uint64_t>> deadlines_;  // of all that wait
};

}  // namespace edgepost::bus
