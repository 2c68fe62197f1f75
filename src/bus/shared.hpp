#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "bus/entry.hpp"
#include "bus/epochs.hpp"
#include "bus/filter_index.hpp"
#include "bus/links.hpp"
#include "bus/prepared.hpp"
#include "bus/requests.hpp"
#include "bus/retained.hpp"
#include "bus/runner.hpp"
#include "edgepost/bus.hpp"
#include "edgepost/platform.hpp"

namespace edgepost::bus {

/// A bus: what its methods, its subscriptions and its topics share. Whoever holds it may end
/// subscriptions; ~Bus ends what there still is.
/// Threads: any.
struct Shared : std::enable_shared_from_this<Shared> {
  explicit Shared(const BusOptions& options, Barrier barrier = Barrier::best());

  /// Adds a subscription, which hears what is published from now on. `stage` may be null; else it
  /// is called, and `handler` is not. Null: another subscription has the name of the stage.
  /// Requires: a valid filter; a priority of -100 to 100, or kInternalPriority.
  std::shared_ptr<Entry> add(std::string_view filter, int priority, Handler handler,
                             std::shared_ptr<Stage> stage = nullptr);

  /// Ends a subscription, as Subscription::unsubscribe says; again and again is no harm.
  bool end(Entry& entry);

  /// Ends all, the latest first.
  void end_all();

  /// As the methods of Bus.
  Status publish(const Event& event);
  Status publish(PreparedTopic& topic, const Event& event);
  std::shared_ptr<PreparedTopic> prepare(std::string_view name, std::string_view publisher);
  BusStatus status() const;

  [[nodiscard]] Clock& clock() const { return *options.platform.clock; }

  Epochs epochs;  // the first one, so that it is destroyed last: it holds what others have retired
  const BusOptions options;  // its platform is complete
  mutable std::mutex mutex;  // of what follows
  FilterIndex index;         // written with the mutex, read in an epoch
  Entry* first = nullptr;    // in order of subscribing
  Entry* last = nullptr;
  std::uint64_t next_number = 0;
  std::size_t active = 0;                // those that are counted
  std::vector<PreparedTopic*> prepared;  // all there are, for links()

  std::atomic<std::uint64_t> generation{1};  // of the subscriptions: rises with every change
  Trace trace;
  Retained retained;
  const std::shared_ptr<Requests> requests;
  Runner runner;  // the last one, so that no worker uses what was destroyed

 private:
  [[nodiscard]] bool is_taken(std::string_view name) const;
};

}  // namespace edgepost::bus
