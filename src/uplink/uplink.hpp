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
#include "uplink/budget.hpp"
#include "uplink/hangups.hpp"
#include "uplink/hooks.hpp"
#include "uplink/pacing.hpp"
#include "uplink/selector.hpp"
#include "uplink/suspects.hpp"

namespace edgepost {

/// How an uplink reads each of its streams.
ConsumerOptions consumer_options(const UplinkOptions& options);

/// Drains consumers over transports. It has a *lane* for each endpoint: a transport and the brain
/// (brain.hpp) that decides for it; a *route* for all streams that may go to the same endpoints,
/// whose selector (selector.hpp) says which lane they take. Time comes as an argument and, for what
/// happens while a transport polls, from the platform's clock; a thread, where there is one,
/// belongs to its caller.
/// The stream of the highest priority comes first; among equals each gets its share of the window
/// in turn. What is refused, waits or is in flight is the consumer's business.
/// Threads: step() on one thread at a time, everything else on any.
class Uplink final {
 public:
  /// A stream to drain.
  struct Source {
    Consumer consumer;                        ///< With consumer_options().
    std::function<int()> priority = nullptr;  ///< The stream's, asked now and then; null: 0.
  };

  /// A new uplink starts with its first step(). `endpoints` are in order of preference, one at
  /// least; `sources` are in the order of `options.streams`.
  /// Must outlive: `platform`'s parts this object. Requires: valid options, a complete platform.
  Uplink(UplinkOptions options, std::vector<Endpoint> endpoints, std::vector<Source> sources,
         const Platform& platform, UplinkHooks hooks = {});
  ~Uplink();
  Uplink(const Uplink&) = delete;
  Uplink& operator=(const Uplink&) = delete;

  /// Lets a stopped uplink start again with the next step().
  void start();

  /// Does what is due: connects, sends what fits the window, takes answers, and returns when it
  /// wants to be called again at the latest: at once while it may wait in here; Instant::max()
  /// when stopped. Blocks: in the transport, up to `wait`; returns early when something happened,
  /// or after wake(), retry_now() and request_stop().
  Instant step(Instant now, Duration wait);

  /// From now on nothing new is sent; answers are awaited until `deadline`, then it disconnects
  /// and is stopped. step() must go on being called until is_stopped().
  void request_stop(Instant deadline);

  /// True when stopped.
  [[nodiscard]] bool is_stopped() const;

  /// Says that a stream of it has new events. One atomic, unless the uplink waits for just that.
  void wake();

  /// Leaves `blocked` or a running back-off at once, at all endpoints.
  void retry_now();

  [[nodiscard]] UplinkStatus status() const;

 private:
  struct Lane;

  /// One stream on its way to the upstream.
  struct Drain {
    Source source;
    std::size_t route = 0;
    int priority = 0;
    unsigned failures = 0;        // of reading, in a row
    Instant read_at = Instant();  // Not to be read before, after a failure.
    std::string problem;          // Logged already.
  };

  struct Route {
    Selector selector;
    std::vector<std::size_t> drains;       // The highest priority first.
    std::size_t turn = 0;                  // Among streams of equal priority.
    std::optional<std::size_t> last_lane;  // The one that was active last.
  };

  /// What may go out in one go.
  struct Allowance {
    std::size_t events = 0;
    std::size_t bytes = 0;
  };

  // uplink.cpp: events on their way out.
  void send(Instant now);
  void send_through(Lane& lane, std::size_t number, Instant now);
  [[nodiscard]] Allowance allowance(const Lane& lane, Instant now);
  [[nodiscard]] bool may_go(Lane& lane, std::size_t route, std::size_t wanted, Instant now);
  void take_turns(Route& route, std::span<const std::size_t> drains, Allowance& room, Instant now);
  std::size_t take(std::size_t index, Allowance& room, std::size_t count, Instant now);
  void review(const Lane& lane, Instant now);
  [[nodiscard]] bool may_culprit_go(const Place& place, Instant now);
  void ask_hook();
  void hand_over(Lane& lane, std::size_t route, Instant now);
  [[nodiscard]] Instant wake_up(Instant now);
  [[nodiscard]] std::size_t in_flight() const;
  void look_at_priorities();

  // uplink_answers.cpp: what comes back.
  void on_answer(Lane& lane, std::uint64_t token, const Answer& answer);
  Status on_received(Lane& lane, std::span<Received> received);
  void settle(Lane& lane, const Flight& flight, const Answer& answer, Instant now);
  void refuse(Lane& lane, const Place& place, const Answer& answer, Instant now);
  void blame(Lane& lane, const Answer& why, Instant now);
  void release(const Place& place, Instant now);
  void release_void(Lane& lane, Instant now);
  void note_status(Drain& drain, const Status& status);
  [[nodiscard]] bool has_others(Instant now) const;

  // uplink_link.cpp: connections.
  void take_requests(Instant now);
  void count_traffic(Instant now);
  void make_budget();
  void spend(std::uint64_t bytes);
  void keep_budget(const std::string& text);
  void choose(Instant now);
  void run_link(Lane& lane, Instant now);
  void connect(Lane& lane, Instant now);
  void end_connection(Lane& lane, const Answer& why, Instant now);
  void on_connected(Lane& lane, const PeerLimits& limits);
  void on_disconnected(Lane& lane, const Answer& why);
  void on_probed(Lane& lane, bool is_reachable);
  void on_call(Lane& lane, const Call& call);
  void poll(Instant now, Duration wait);
  [[nodiscard]] Lane& shown_lane() const;

  // uplink_report.cpp: what others are told.
  void note_lane(Lane& lane, Instant now);
  void note_state(Lane& lane, UplinkState before, Instant now);
  void note_health(Instant now);
  void note_problem(const Lane* lane, std::string& known, std::string_view problem);
  [[nodiscard]] std::string correlation(const Lane& lane, std::uint64_t call) const;
  void tell(std::string_view what, const Lane& lane, std::string_view reason);
  void audit(Lane& lane, AuditEntry&& entry);
  void audit_answer(Lane& lane, const Answer& answer, Instant now);
  void end_row(Lane& lane, Instant now);
  void log(LogLevel level, const Lane* lane, std::string_view line);
  void publish_status();

  const UplinkOptions options_;
  const Platform platform_;
  const UplinkHooks hooks_;
  std::vector<Drain> drains_;
  std::vector<Route> routes_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  Pacer pacer_;
  std::optional<Budget> budget_;  // Made by the first step, when there are limits.
  Suspects suspects_;
  Hangups hangups_;
  Instant culprit_due_;           // when the one that was released last can come again
  bool is_wanted_ = false;        // started, and not asked to stop
  bool was_used_up_ = false;      // the budget
  std::uint64_t connection_ = 0;  // counts attempts of all lanes, for correlation
  std::vector<LaneView> views_;   // Reused by each choose().
  std::vector<Event> events_;     // These three are empty but while sending.
  std::vector<Place> places_;
  std::vector<Outbound> outbound_;
  std::string refusal_;    // Logged already.
  bool has_news_ = false;  // Something happened that a next step has to look at.

  // What other threads ask for. The flags are ordered with is_idle_: see wake().
  std::atomic<bool> has_events_{false};
  std::atomic<bool> is_idle_{false};    // Waits in poll(), and new events could be sent at once.
  std::atomic<std::size_t> polled_{0};  // The lane that it waits in.
  std::atomic<bool> start_wanted_{true};
  std::atomic<bool> retry_wanted_{false};
  static constexpr Duration::rep kNoStop = Duration::min().count();
  std::atomic<Duration::rep> stop_wanted_{kNoStop};  // The deadline.

  UplinkStatus current_;  // As step() knows it.
  mutable std::mutex mutex_;
  UplinkStatus published_;  // Guarded by mutex_.
};

}  // namespace edgepost
