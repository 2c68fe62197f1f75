#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "edgepost/platform.hpp"
#include "edgepost/transport.hpp"
#include "edgepost/uplink.hpp"
#include "uplink/breaker.hpp"
#include "uplink/place.hpp"
#include "uplink/window.hpp"

namespace edgepost {

/// What the driver has to do with the transport.
enum class LinkAction : unsigned char { none, connect, disconnect, probe };

/// An event that was sent and not answered.
struct Flight {
  Place place;
  Instant sent_at;
};

/// Decides for one endpoint when to connect, to disconnect, to probe and to wait, and how much may
/// be sent. It is pure: it knows no transport, no store, no thread and no clock; each input says
/// what happened and when, and advance() says what to do. UplinkState has the states and their
/// exits. When the link goes, all flights are *void* and must be sent again.
class Brain {
 public:
  /// Longer pauses are not obeyed: an upstream that asks for more has made a mistake, or means
  /// harm.
  static constexpr Duration kRetryAfterMax = std::chrono::hours(1);

  /// Must outlive: `random` this object. Requires: valid options.
  Brain(const UplinkOptions& options, Random& random);

  /// Begins: a stopped endpoint connects at the next advance(), or when its breaker lets it. In
  /// other states nothing changes.
  void start(Instant now);

  /// Ends: with flights, their answers are awaited until `deadline`.
  void stop(Instant deadline);

  /// Connects at once where it is blocked or backs off.
  void retry_now(Instant now);

  /// The upstream accepted us.
  void connected(Instant now, const PeerLimits& limits);

  /// The connection is gone, or could not be made. Credentials are refreshed once, by connecting
  /// again, at once unless that was so lately; refused again they block the endpoint, as
  /// configuration does at once: time alone does not mend them, so it only looks again after
  /// blocked_retry.
  void disconnected(Instant now, const Answer& why);

  /// An event goes out. Returns its token, never used before. Requires: room(now) > 0.
  std::uint64_t sent(Instant now, const Place& place);

  /// An answer to an event. Returns what it answers; nothing when the token is not, or no longer,
  /// in flight. Refusals of the event itself do not touch the link.
  std::optional<Flight> answered(Instant now, std::uint64_t token, const Answer& answer);

  /// How far the bytes have come; to be told before advance(). Bytes that go on are a sign of life
  /// where some were on their way at the look before: when they had all arrived, what moves now is
  /// younger than what is awaited.
  void progressed(Instant now, const Traffic& traffic);

  /// What a probe found. Where nobody was before, someone is news: the endpoint connects at once,
  /// whatever the back-off says. Someone who was there when the link went hastens nothing.
  void probed(Instant now, bool is_reachable);

  /// Sends nothing until a back-off delay is over, without leaving the link; longer each time until
  /// something is acknowledged. At most recovery_timeout of the breaker.
  void hold_back(Instant now);

  /// Lets the connection count as one that held, however soon it goes: it is not to blame.
  void vouched(Instant now) { hold(now); }

  /// Moves on to `now` and says what the driver has to do; to be called until it says none.
  /// `may_probe`: nothing else is online, so that a return of the link is worth bytes.
  LinkAction advance(Instant now, bool may_probe);

  /// How many events may be sent now.
  [[nodiscard]] std::size_t room(Instant now) const;

  /// When advance() or room() will say something new if nothing happens before.
  [[nodiscard]] Instant wake_up(Instant now) const;

  /// The flights that have become void since this was asked last, in the order of sending.
  std::vector<Place> take_void() { return std::exchange(void_, {}); }

  [[nodiscard]] UplinkState state() const { return state_; }
  [[nodiscard]] const EndpointBreaker& breaker() const { return breaker_; }
  [[nodiscard]] std::size_t in_flight() const { return in_flight_; }
  /// The events in flight, in the order of sending.
  [[nodiscard]] std::vector<Place> unanswered() const;
  [[nodiscard]] bool is_batched() const { return is_batched_; }
  /// When a connection attempt comes. Requires: waiting.
  [[nodiscard]] Instant due() const { return due_; }
  /// Until when nothing is sent; in the past: no pause.
  [[nodiscard]] Instant paused_until() const { return paused_until_; }
  [[nodiscard]] std::uint64_t connects() const { return connects_; }
  /// Attempts that failed, connections lost.
  [[nodiscard]] std::uint64_t failures() const { return total_failures_; }
  /// Why the link was left, or could not be made, the last time.
  [[nodiscard]] const std::string& last_error() const { return last_error_; }
  /// Whether that was the credentials, so that `blocked` means them.
  [[nodiscard]] bool has_bad_credentials() const { return has_bad_credentials_; }

 private:
  struct Slot {
    Flight flight;
    bool is_answered = false;
  };
  enum class Seen : unsigned char { nothing, nobody, someone };

  [[nodiscard]] bool wants_link() const;
  [[nodiscard]] bool probes() const;
  [[nodiscard]] bool has_held(Instant now) const;
  [[nodiscard]] Instant overdue_at() const;
  [[nodiscard]] Duration look_interval() const { return policy_.trip_after / 10; }
  void leave(Instant now, const Answer& why);
  void back_off(Instant now, const Answer& why);
  void void_flights();
  void pause(Instant now, const Answer& answer);
  void hold(Instant now);
  void begin_attempt(Instant now);

  const RetryPolicy retry_;
  const CircuitBreaker policy_;
  const std::size_t max_in_flight_;
  const Duration connect_timeout_;
  const Duration probe_interval_;
  const Duration blocked_retry_;
  Random& random_;

  UplinkState state_ = UplinkState::stopped;
  EndpointBreaker breaker_;
  Window window_;
  bool link_open_ = false;  // The transport has a connection or tries to make one.
  Instant due_;             // waiting, blocked: its end; connecting and draining: the deadline.
  unsigned failures_ = 0;   // in a row
  std::uint64_t total_failures_ = 0;
  std::string last_error_;
  unsigned refused_credentials_ = 0;  // in a row
  unsigned refreshes_ = 0;            // of credentials, since a connection held
  bool has_bad_credentials_ = false;

  bool may_probe_ = false;
  bool is_probing_ = false;    // waiting, connecting: until a probe finds someone
  bool hastens_ = false;       // waiting: to find someone is news
  bool was_hastened_ = false;  // by that, and nobody was seen since
  Seen seen_ = Seen::nothing;  // connecting: by probes meanwhile
  Instant probe_at_ = Instant::max();

  bool is_batched_ = false;  // of this connection, as all that follows
  Instant connected_at_;
  bool is_held_ = false;
  Instant paused_until_;
  unsigned pauses_ = 0;  // in a row
  std::uint64_t connects_ = 0;

  std::deque<Slot> slots_;  // The first and the last one are not answered.
  std::uint64_t first_token_ = 1;
  std::size_t in_flight_ = 0;
  std::uint64_t answered_to_ = 0;  // The latest token that was answered.
  Instant moved_at_;               // The last sign of life: an answer, bytes that went on.
  Instant looked_at_;
  std::uint64_t progress_ = 0;
  bool is_moving_ = false;  // Bytes were on their way at that look.
  std::vector<Place> void_;
};

}  // namespace edgepost
