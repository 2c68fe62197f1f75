#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "edgepost/platform.hpp"
#include "edgepost/stream.hpp"
#include "edgepost/transport.hpp"
#include "edgepost/uplink.hpp"
#include "uplink/brain.hpp"
#include "uplink/lane.hpp"

namespace edgepost {

/// Drains consumers over a transport: it carries out what the brain (brain.hpp) decides, and takes
/// turns between its streams. Time comes as an argument and, for what happens while the transport
/// polls, from the platform's clock; a thread, where there is one, belongs to its caller.
/// Memory is bounded by the window and one batch for each stream; see Lane for refused events.
/// Threads: step() on one thread at a time, everything else on any.
class Uplink final : private TransportSink {
 public:
  /// A new uplink starts with its first step().
  /// Must outlive: `platform`'s parts this object. Requires: valid options, a complete platform.
  Uplink(UplinkOptions options, std::unique_ptr<Transport> transport,
         std::vector<Consumer> consumers, const Platform& platform);

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
    Consumer consumer;
    Lane lane;
    bool is_exhausted = false;    // The store had nothing more.
    unsigned failures = 0;        // of reading, in a row
    Instant read_at = Instant();  // Not to be read before, after a failure.
    std::string problem;          // Logged already.
  };

  void on_connected(const PeerLimits& limits) override;
  void on_disconnected(const Answer& why) override;
  void on_answer(std::uint64_t token, const Answer& answer) override;
  Status on_received(Event&& event) override;

  void take_requests(Instant now);
  void run_link(Instant now);
  void connect(Instant now);
  void send(Instant now);
  std::optional<std::uint64_t> take(Drain& drain, Instant now);
  bool read(Drain& drain, Instant now);
  void settle(const Place& place, Instant now, const Answer& answer);
  void poll(Instant now, Duration wait);
  [[nodiscard]] bool has_exhausted() const;
  [[nodiscard]] Instant wake_up(Instant now) const;
  void rewind();
  void note_state(Instant now);
  void note_problem(std::string& known, std::string_view problem);
  void log(LogLevel level, std::string_view line);
  void publish_status();

  const UplinkOptions options_;
  const std::unique_ptr<Transport> transport_;
  const Platform platform_;
  Brain brain_;
  std::vector<Drain> drains_;
  std::size_t turn_ = 0;            // The stream whose turn it is.
  std::vector<Outbound> outbound_;  // Empty but while sending.
  std::string refusal_;             // Logged already.
  bool has_news_ = false;           // Something happened during poll().

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
