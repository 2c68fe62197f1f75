#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "bus/listener.hpp"
#include "bus/protocol.hpp"
#include "bus/recent.hpp"
#include "platform/barrier.hpp"

namespace edgepost::bus {

struct Entry;

// Deeper nesting is a loop of handlers; its stack would run out next.
inline constexpr std::size_t kDepthMax = 16;

/// Counters that one thread writes and any thread may read.
struct Counters {
  std::atomic<std::uint64_t> published{0};
  std::atomic<std::uint64_t> delivered{0};
  std::atomic<std::uint64_t> failed{0};
  std::atomic<std::uint64_t> dropped{0};
};

/// Adds to a counter of this thread's own, which takes no bus lock.
inline void bump(std::atomic<std::uint64_t>& counter, std::uint64_t by = 1) {
  counter.store(counter.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
}

/// The record of one thread. Only that thread writes it, until it ends and another takes it over.
struct alignas(64) Reader {
  Announcement<std::atomic, kDepthMax> shown;
  Counters counters;
  std::array<Matches, kDepthMax> matches;  ///< One for each depth.
  Recent recent;
  bool is_taken = true;  ///< By a thread that lives.
};

/// Who is inside a bus just now, so that what readers may still see is destroyed after they have
/// left, and a handler when nobody runs it. Readers take no lock and write to nothing shared.
/// Threads: any.
class Epochs {
 public:
  explicit Epochs(Barrier barrier);

  /// Destroys all that was retired. Requires: nobody is inside.
  ~Epochs();
  Epochs(const Epochs&) = delete;
  Epochs& operator=(const Epochs&) = delete;

  /// The record of the calling thread, which keeps it until it ends.
  Reader& reader() {
    if (seen_.records == records_.get()) return *seen_.reader;
    return find_reader();
  }

  [[nodiscard]] const Barrier& barrier() const { return barrier_; }

  /// Takes what no reader that enters from now on can reach. collect() destroys it.
  void retire(Retired old);
  void retire(std::vector<Retired>& old);

  /// Destroys what was retired long enough ago, if there is enough of it to be worth the work.
  /// Requires: no lock is held that a destructor may want.
  void collect();

  /// Waits until no other thread runs `entry`, which has ended, and destroys its handler. False:
  /// the calling thread runs it, and destroys it when that call is over.
  bool finish(Entry& entry);

  /// This thread has left `entry`, which has ended: whoever waits for that goes on.
  void left(Entry& entry);

  /// The sums over all threads: published, delivered, failed, dropped.
  [[nodiscard]] std::array<std::uint64_t, 4> totals() const;

 private:
  // Shared with the threads that have used the bus, since they may outlive it.
  struct Records {
    ~Records();
    mutable std::mutex mutex;
    std::condition_variable left;
    std::vector<std::unique_ptr<Reader>> readers;
  };
  // The record that this thread has used last. It decides nothing: without it, finding takes
  // longer.
  struct Seen {
    const Records* records;
    Reader* reader;
  };
  struct Claim;
  struct Claims;

  Reader& find_reader();
  bool is_run(const Entry& entry, const Reader* except) const;
  void close(Entry& entry, std::unique_lock<std::mutex>& lock);

  static constinit thread_local Seen seen_;

  const Barrier barrier_;
  const std::shared_ptr<Records> records_;
  // Guarded by the mutex of the records:
  std::vector<Retired> retired_;  // since the last look
  std::vector<Retired> waiting_;  // for the readers below
  struct Watched {
    const Reader* reader;
    std::uint32_t word;
  };
  std::vector<Watched> watched_;  // were inside when what waits could still be reached
};

/// Being inside: what can be reached is not destroyed meanwhile. One for each publish; they nest.
class Inside {
 public:
  explicit Inside(Epochs& epochs)
      : epochs_(epochs), reader_(epochs.reader()), before_(reader_.shown.word()) {
    if (depth() == kDepthMax) [[unlikely]]
      return;
    place_ = &reader_.shown.place(depth());
    reader_.shown.enter(before_, epochs.barrier());
  }
  ~Inside() {
    if (place_ != nullptr) [[likely]]
      reader_.shown.leave(before_);
  }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;

  /// False: too deep already, nothing is protected.
  explicit operator bool() const { return place_ != nullptr; }

  [[nodiscard]] Counters& counters() { return reader_.counters; }
  [[nodiscard]] Matches& matches() { return reader_.matches[depth()]; }

  /// The entry whose handler this is in; null outside handlers.
  [[nodiscard]] const void* caller() const {
    return depth() == 0 ? nullptr
                        : reader_.shown.place(depth() - 1).load(std::memory_order_relaxed);
  }

  /// Announces a call of the entry's handler. False: it has ended. Either way finish() follows.
  bool begin(const Entry& entry);
  void finish(Entry& entry);

 private:
  // How many others this one is in.
  [[nodiscard]] std::size_t depth() const { return reader_.shown.depth_of(before_); }

  Epochs& epochs_;
  Reader& reader_;
  const std::uint32_t before_;
  std::atomic<const void*>* place_ = nullptr;
};

/// One call of a handler, on any thread: while it lives, the handler is not destroyed.
/// Requires: the entry exists when this is made.
class Calling {
 public:
  Calling(Epochs& epochs, Entry& entry)
      : inside_(epochs), entry_(entry), may_run_(inside_ && inside_.begin(entry)) {}
  ~Calling() {
    if (inside_) inside_.finish(entry_);
  }
  Calling(const Calling&) = delete;
  Calling& operator=(const Calling&) = delete;

  /// False: the subscription has ended, or calls are too deep in each other; do not call.
  explicit operator bool() const { return may_run_; }

 private:
  Inside inside_;
  Entry& entry_;
  const bool may_run_;
};

}  // namespace edgepost::bus
