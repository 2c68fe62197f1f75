#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "edgepost/platform.hpp"
#include "edgepost/stream.hpp"
#include "edgepost/transport.hpp"
#include "edgepost/uplink.hpp"
#include "uplink/brain.hpp"
#include "uplink/hooks.hpp"

namespace edgepost {

/// How an uplink reads each of its streams.
ConsumerOptions consumer_options(const UplinkOptions& options);

/// Drains consumers over a transport: it carries out what the brain (brain.hpp) decides, and takes
/// turns between its streams. Time comes as an argument and, for what happens while the transport
/// polls, from the platform's clock; a thread, where there is one, belongs to its caller.
/// The stream of the highest priority comes first; among equals each gets its share of the window
/// in turn. What is refused, waits or is in flight is the consumer's business.
/// Threads: step() on one thread at a time, everything else on any.
class Uplink final : private TransportSink {
 public:
  /// A stream to drain.
  struct Source {
    Consumer consumer;                        ///< With consumer_options().
    std::function<int()> priority = nullptr;  ///< The stream's, asked now and then; null: 0.
  };

  /// A new uplink starts with its first step().
  /// Must outlive: `platform`'s parts this object. Requires: valid options, a complete platform.
  /// `endpoints` are in order of preference, one at least.
  Uplink(UplinkOptions options, std::vector<Endpoint> endpoints, std::vector<Source> sources,
         const Platform& platform, UplinkHooks hooks = {});

  /// Lets a stopped uplink start again with the next step().
  void start();

  /// Does what is due: connects, sends what fits the window, takes answers, and returns when it
  /// wants to be called again at the latest: at once while it may wait in here; Instant::max()
  /// when stopped. Blocks: in the transport, up to `wait` (more only for a host name look-up);
  /// returns early when something happened, or after wake(), retry_now() and request_stop().
  Instant step(Instant now, Duration wait);

  /// From now on nothing new is sent; answers are awaited until `deadline`, then it disconnects
  /// and is stopped. step() must go on being called until is_stopped().
  void request_stop(Instant deadline);

  /// True when stopped.
  [[nodiscard]] bool is_stopped() const;

  /// Says that a stream of it has new events. One atomic, unless the uplink waits for just that.
  void wake();

  /// Leaves `blocked` or a running back-off at once.
  void retry_now();

  [[nodiscard]] UplinkStatus status() const;

 private:
  /// One stream on its way to the upstream.
  struct Drain {
    Source source;
    int priority = 0;
    unsigned failures = 0;        // of reading, in a row
    Instant read_at = Instant();  // Not to be read before, after a failure.
    std::string problem;          // Logged already.
  };

  void on_connected(const PeerLimits& limits) override;
  void on_disconnected(const Answer& why) override;
  void on_answer(std::uint64_t token, const Answer& answer) override;
  Status on_received(std::span<Received> received) override;

  void take_requests(Instant now);
  void run_link(Instant now);
  void connect(Instant now);
  void send(Instant now);
  void take_turns(std::span<const std::size_t> drains, std::size_t room, Instant now);
  std::size_t take(std::size_t index, std::size_t count, Instant now);
  void settle(const Place& place, const Answer& answer);
  void poll(Instant now, Duration wait);
  void look_at_priorities();
  [[nodiscard]] Instant wake_up(Instant now) const;
  void rewind();
  void note_state(Instant now);
  void note_problem(std::string& known, std::string_view problem);
  void log(LogLevel level, std::string_view line);
  void publish_status();

  const UplinkOptions options_;
  const std::unique_ptr<Transport> transport_;
  const Platform platform_;
  const UplinkHooks hooks_;
  Brain brain_;
  std::vector<Drain> drains_;
  std::vector<std::size_t> order_;  // Of drains_: the highest priority first.
  std::size_t turn_ = 0;            // Among streams of equal priority.
  std::vector<Event> events_;       // These three are empty but while sending.
  std::vector<Place> places_;
  std::vector<Outbound> outbound_;
  std::string refusal_;    // Logged already.
  bool has_news_ = false;  // Something happened during poll().

  // What other threads ask for. The flags are ordered with is_idle_: see wake().
  std::atomic<bool> has_events_{false};
  std::atomic<bool> is_idle_{false};  // Waits in poll(), and new events could be sent at once.
  std::atomic<bool> start_wanted_{true};
  std::atomic<bool> retry_wanted_{false};
  static constexpr Duration::rep kNoStop = Duration::min().count();
  std::atomic<Duration::rep> stop_wanted_{kNoStop};  // The deadline.

  UplinkStatus current_;  // As step() knows it.
  mutable std::mutex mutex_;
  UplinkStatus published_;  // Guarded by mutex_.
};

}  // namespace edgepost
