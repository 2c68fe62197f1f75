#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "edgepost/event.hpp"
#include "edgepost/status.hpp"
#include "edgepost/time.hpp"

namespace edgepost {

/// What an answer of the upstream means. It is decided once, in the transport, and everything
/// behind it acts on the class alone.
enum class AnswerClass : unsigned char {
  acknowledged,   ///< Proof of delivery.
  link_down,      ///< The upstream cannot be reached: back off; no attempt is counted.
  slow_down,      ///< It asks for time: pause; no attempt is counted.
  credentials,    ///< It refuses who we are: blocked until they change; nothing dies.
  configuration,  ///< It refuses what we ask for (protocol, topic, address): blocked.
  too_large,      ///< It refuses the size.
  suspect,        ///< It refuses this event: poison, unless others are refused too.
  conflict,       ///< It has something else under this name already.
};

/// The name of `answer` as it stands in the enum.
std::string_view to_string(AnswerClass answer);

/// What the upstream said, in the transport's words.
struct Answer {
  AnswerClass meaning = AnswerClass::acknowledged;  ///< What to do about it.
  std::string reason{};                             ///< For people: code and text. No secret.
  std::optional<Duration> retry_after{};            ///< The pause it asked for, if it did.
  bool is_duplicate = false;  ///< With acknowledged: it had the event already.
  /// With link_down: nobody was there at all (look-up, connect); a probe can tell when that ends.
  bool is_unreachable = false;
  bool is_tls = false;  ///< TLS refused the connection, on either side.
};

/// What the upstream allows on this connection.
struct PeerLimits {
  std::size_t in_flight_max = 65'535;           ///< MQTT Receive Maximum.
  std::size_t message_bytes_max = 268'435'455;  ///< MQTT Maximum Packet Size.
  /// The events of one send() travel as one request and are answered together (HTTP): one request
  /// at a time, of at most so many. 0: each event is a message of its own (MQTT).
  std::size_t batch_events_max = 0;
};

/// What has gone over the wire since the transport was made, its own overhead and that of TLS
/// included where they are known.
struct Traffic {
  std::uint64_t sent = 0;      ///< Bytes.
  std::uint64_t received = 0;  ///< Bytes.
  /// Those of `sent` that have arrived at the other side's TCP, or were given up: as many as were
  /// sent when none is on its way.
  std::uint64_t progress = 0;

  bool operator==(const Traffic&) const = default;
};

/// One call to the world outside that a transport made by itself, for audit and metrics: a token
/// that was fetched, a poll for inbound events, a subscription.
struct Call {
  std::string_view what;             ///< `token`, `poll`, `subscribe`, `request`.
  bool is_ok = true;                 ///< Whether it worked.
  Duration took = Duration::zero();  ///< From beginning to end.
  std::string detail{};              ///< For people. No secret, no payload.
};

/// An event from upstream.
struct Received {
  Event event;  ///< Its id is nil when the upstream gave none that is a UUID.
  /// What makes it this one message however often it comes: source and id as the upstream wrote
  /// them. Empty: nothing does, and each delivery counts.
  std::string identity{};
  /// Where the upstream's stream stands after it (HTTP: the cursor); stored with the event.
  std::string cursor{};
  /// Set by on_received: why this one can never be stored, whoever sends it again.
  Status refusal{};
};

/// An event on its way, named by a token that its answer will carry.
struct Outbound {
  std::uint64_t token = 0;       ///< Chosen by the uplink; unique on this connection.
  const Event* event = nullptr;  ///< Valid during send() only.
};

/// Receives what a transport learns while it polls. Called on the thread that called poll().
class TransportSink {
 public:
  virtual ~TransportSink() = default;

  /// The upstream accepted us; send() may be called from now on.
  virtual void on_connected(const PeerLimits& limits) = 0;

  /// The connection is gone, or could not be made. Every unanswered token is void.
  virtual void on_disconnected(const Answer& why) = 0;

  /// The answer to one event.
  virtual void on_answer(std::uint64_t token, const Answer& answer) = 0;

  /// Events from upstream, in order: what one poll() has brought, since they share a commit. They
  /// are confirmed to the upstream only after ok is returned: then each is stored, was stored
  /// before, or is refused for good (see Received::refusal), which it must not send again either.
  /// After failure: none is stored, and the upstream must send all of them again, later.
  virtual Status on_received(std::span<Received> received) = 0;

  /// The cursor that was stored last; empty: none yet.
  virtual std::string cursor() { return {}; }

  /// The answer to Transport::probe: someone listens there, or nobody.
  virtual void on_probed(bool /*is_reachable*/) {}

  /// See Call.
  virtual void on_call(const Call& /*call*/) {}
};

/// One upstream as an uplink drives it: connect, send events, hear the answers. It holds no
/// policy: no retry, no timer, no store.
/// Threads: one thread at a time, except wake().
class Transport {
 public:
  virtual ~Transport() = default;

  /// Begins to connect; poll() tells the outcome. After on_disconnected it may be called again.
  /// Errors: invalid_argument for options that can never work; unavailable when the attempt
  /// failed at once.
  virtual Status connect() = 0;

  /// Ends the connection in an orderly way if there is one; no callback follows.
  virtual void disconnect() = 0;

  /// Hands over events, in order; the bytes leave now or in poll(). Each is answered once, or the
  /// connection is reported lost. See PeerLimits::batch_events_max.
  /// Errors: unavailable when not connected: nothing of the span was taken.
  virtual Status send(std::span<const Outbound> events) = 0;

  /// Moves bytes and calls `sink` with what happened; returns when something happened, `wait` is
  /// over or wake() was called.
  /// Blocks: for `wait` at most.
  virtual void poll(Duration wait, TransportSink& sink) = 0;

  /// Makes a poll() in progress, or the next one, return at once.
  /// Threads: any.
  virtual void wake() = 0;

  /// Begins to look whether anybody listens upstream, with as few bytes as that takes (a TCP
  /// connection that is closed at once); poll() tells by on_probed, within about a second. A probe
  /// in progress goes on. Called while no connection is accepted, also beside an attempt in
  /// progress, which it does not disturb. Without an implementation there is no answer.
  virtual void probe() {}

  /// What has gone over the wire.
  [[nodiscard]] virtual Traffic traffic() const { return {}; }

  /// The upstream's address as configured, without credentials, for status and log.
  [[nodiscard]] virtual std::string address() const = 0;
};

}  // namespace edgepost
