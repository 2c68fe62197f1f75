#pragma once

#include <poll.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "edgepost/platform.hpp"
#include "edgepost/status.hpp"
#include "edgepost/tls.hpp"
#include "edgepost/transport.hpp"

namespace edgepost::tls {

/// Carries the bytes of a client library, which knows nothing but a unix-domain socket, to one
/// server over TCP, with TLS or without. The library connects to path(), which lies in a directory
/// that only this user can enter; a peer with another uid is turned away. Each connection of the
/// library is one connection to the server; there is one at a time, and a new one ends the old one.
/// The server comes first: begin() resolves, connects and shakes hands, so that the library's
/// connection meets a server that has been verified, and every failure is told as what it is.
/// There is no thread: whoever has the channel polls descriptors() and calls step().
/// Threads: one at a time.
class Channel {
 public:
  enum class State : unsigned char {
    closed,       ///< -> connecting by begin(), or by a connection of the library.
    connecting,   ///< Look-up, then TCP, address by address. -> handshaking; -> failed.
    handshaking,  ///< TLS. -> open; -> failed.
    open,         ///< The server is there. -> closed when either side ends it well; -> failed.
    failed,       ///< failure() says why. -> connecting.
  };

  struct Options {
    std::string host{};                                   ///< Name or address.
    std::uint16_t port = 0;                               ///< TCP port.
    std::shared_ptr<Tls> tls{};                           ///< Null: plain TCP.
    Duration connect_timeout = std::chrono::seconds(10);  ///< For look-up, TCP and TLS together.
    /// Sees what comes from the server, decrypted, before the library does. What it returns other
    /// than ok ends the connection: this is where sizes are bounded.
    std::function<Status(std::span<const std::byte>)> inspect{};
  };

  /// Makes directory and listener. Must outlive: `platform`'s parts this object.
  /// Errors: io_error (directory, descriptors).
  static Result<std::unique_ptr<Channel>> make(Options options, const Platform& platform);

  virtual ~Channel() = default;
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  /// Where the library connects to.
  [[nodiscard]] virtual const std::string& path() const = 0;

  /// Begins a connection to the server, ending any other.
  virtual void begin(Instant now) = 0;

  /// Ends the connection in an orderly way.
  virtual void end() = 0;

  /// Adds what step() waits for.
  virtual void add_descriptors(std::vector<pollfd>& to) const = 0;

  /// When step() must be called although no descriptor is ready: at once when bytes are buffered.
  [[nodiscard]] virtual Instant due() const = 0;

  /// Does what can be done without waiting.
  virtual void step(Instant now) = 0;

  [[nodiscard]] virtual State state() const = 0;
  /// Why it failed last; Answer::is_unreachable tells whether anybody was there.
  [[nodiscard]] virtual const Answer& failure() const = 0;
  /// Version and cipher suite of the last handshake; empty: none.
  [[nodiscard]] virtual std::string description() const = 0;
  [[nodiscard]] virtual Traffic traffic() const = 0;

 protected:
  Channel() = default;
};

}  // namespace edgepost::tls
