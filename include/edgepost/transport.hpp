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
};

/// The name of `answer` as it stands in the enum.
std::string_view to_string(AnswerClass answer);

/// What the upstream said, in the transport's words.
struct Answer {
  AnswerClass meaning = AnswerClass::acknowledged;  ///< What to do about it.
  std::string reason{};                             ///< For people: code and text. No secret.
  std::optional<Duration> retry_after{};            ///< The pause it asked for, if it did.
};

/// What the upstream allows on this connection.
struct PeerLimits {
  std::size_t in_flight_max = 65'535;           ///< MQTT Receive Maximum.
  std::size_t message_bytes_max = 268'435'455;  ///< MQTT Maximum Packet Size.
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

  /// An event from upstream. It is confirmed to the upstream only after ok is returned.
  virtual Status on_received(Event&& event) = 0;
};

/// One upstream as an uplink drives it: connect, send events, hear the answers. It holds no
/// policy: no retry, no timer, no store.
/// Threads: one thread at a time, except wake().
class Transport {
 public:
  virtual ~Transport() = default;

  /// Begins to connect; poll() tells the outcome. After on_disconnected it may be called again.
  /// Blocks: for a host name look-up at most.
  /// Errors: invalid_argument for options that can never work; unavailable when the attempt
  /// failed at once.
  virtual Status connect() = 0;

  /// Ends the connection in an orderly way if there is one; no callback follows.
  virtual void disconnect() = 0;

  /// Hands over events, in order; the bytes leave now or in poll(). Each is answered once, or the
  /// connection is reported lost.
  /// Errors: unavailable when not connected: nothing of the span was taken.
  virtual Status send(std::span<const Outbound> events) = 0;

  /// Moves bytes and calls `sink` with what happened; returns when something happened, `wait` is
  /// over or wake() was called.
  /// Blocks: for `wait` at most.
  virtual void poll(Duration wait, TransportSink& sink) = 0;

  /// Makes a poll() in progress, or the next one, return at once.
  /// Threads: any.
  virtual void wake() = 0;

  /// The upstream's address as configured, without credentials, for status and log.
  [[nodiscard]] virtual std::string address() const = 0;
};

}  // namespace edgepost
