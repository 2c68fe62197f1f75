#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "edgepost/platform.hpp"
#include "edgepost/transport.hpp"
#include "edgepost/uplink.hpp"

namespace edgepost {

/// What the driver has to do with the transport.
enum class LinkAction : unsigned char { none, connect, disconnect };

/// Where an event in flight came from; the brain hands it back with the answer.
struct Place {
  std::size_t stream = 0;      ///< Which one of the uplink's.
  std::uint64_t sequence = 0;  ///< Which event of it.

  bool operator==(const Place&) const = default;
};

/// Decides for one uplink when to connect, to disconnect and to wait, and how much may be sent.
/// It is pure: it knows no transport, no store, no thread and no clock; each input says what
/// happened and when, and advance() says what to do. UplinkState has the states and their exits.
/// A failure is a connection that could not be made, or was lost before it was stable. Flights are
/// events sent and not answered; when the link goes, all are void and must be sent again.
class Brain {
 public:
  /// Must outlive: `random` this object. Requires: valid options.
  Brain(const UplinkOptions& options, Random& random)
      : retry_(options.retry),
        max_in_flight_(options.max_in_flight),
        connect_timeout_(options.connect_timeout),
        answer_timeout_(options.breaker.trip_after),
        random_(random) {}

  /// Begins: a stopped uplink connects at the next advance(). In other states nothing changes.
  void start(Instant now);

  /// Ends: with flights, their answers are awaited until `deadline`.
  void stop(Instant deadline);

  /// Connects at once where it is blocked or backs off.
  void retry_now(Instant now);

  /// The upstream accepted us.
  void connected(Instant now, const PeerLimits& limits);

  /// The connection is gone, or could not be made. Credentials and configuration block the uplink:
  /// time does not mend them, so it does not come back by itself.
  void disconnected(Instant now, const Answer& why);

  /// An event goes out. Returns its token, never used before. Requires: room(now) > 0.
  std::uint64_t sent(Instant now, const Place& place);

  /// An answer to an event. Returns where the event came from; nothing when the token is not, or
  /// no longer, in flight. Refusals of the event itself do not touch the link.
  std::optional<Place> answered(Instant now, std::uint64_t token, const Answer& answer);

  /// Moves on to `now` and says what the driver has to do; to be called until it says none.
  LinkAction advance(Instant now);

  /// How many events may be sent now.
  [[nodiscard]] std::size_t room(Instant now) const;

  /// When advance() or room() will say something new if nothing happens before.
  [[nodiscard]] Instant wake_up(Instant now) const;

  /// A back-off delay of this uplink's policy, for what failed `failures` times in a row before.
  Duration delay(unsigned failures);

  [[nodiscard]] UplinkState state() const { return state_; }
  [[nodiscard]] std::size_t in_flight() const { return flights_.size(); }
  [[nodiscard]] std::uint64_t connects() const { return connects_; }
  /// Why the link was left, or could not be made, the last time.
  [[nodiscard]] const std::string& last_error() const { return last_error_; }

 private:
  struct Flight {
    Place place;
    Instant sent_at;
  };

  [[nodiscard]] bool wants_link() const;
  [[nodiscard]] Instant overdue_at() const;
  void leave(Instant now, const Answer& why);
  void pause(Instant now, const Answer& answer);

  const RetryPolicy retry_;
  const std::size_t max_in_flight_;
  const Duration connect_timeout_;
  const Duration answer_timeout_;
  Random& random_;

  UplinkState state_ = UplinkState::stopped;
  bool link_open_ = false;      // The transport has a connection or tries to make one.
  Instant due_;                 // waiting: its end; connecting and draining: the deadline.
  Instant connected_at_;        // online only
  Instant paused_until_;        // online only: asked to slow down
  unsigned failures_ = 0;       // in a row
  unsigned slow_downs_ = 0;     // in a row
  std::size_t window_ = 0;      // of this connection
  std::uint64_t connects_ = 0;  // since construction
  std::uint64_t last_token_ = 0;
  std::map<std::uint64_t, Flight> flights_;  // by token, which is the order of sending
  std::string last_error_;
};

}  // namespace edgepost
