#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "edgepost/status.hpp"
#include "edgepost/tls.hpp"
#include "edgepost/transport.hpp"

namespace edgepost::tls {

/// What a TLS connection wants before it can go on.
enum class Want : unsigned char {
  nothing,  ///< It has done what was asked.
  read,     ///< The socket must become readable.
  write,    ///< The socket must become writable.
  closed,   ///< The other side has ended the connection in an orderly way (close_notify).
  failed,   ///< It is over; failure() says why.
};

/// Bytes of one connection, on the wire.
struct Counts {
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
};

/// TLS, or nothing at all, on one connected socket, which belongs to the caller. It never blocks.
/// Threads: one at a time.
class Connection {
 public:
  virtual ~Connection() = default;

  /// Goes on with the handshake; `nothing` when it is over and the peer is who it must be.
  virtual Want handshake() = 0;
  /// Encrypts and sends from the front of `bytes`; `count`: how many were taken.
  virtual Want write(std::span<const std::byte> bytes, std::size_t& count) = 0;
  /// Decrypts into `room`; `count`: how many came. `read` means that there is nothing more until
  /// the socket is readable again.
  virtual Want read(std::span<std::byte> room, std::size_t& count) = 0;
  /// Says goodbye (close_notify), as far as the socket takes it.
  virtual void close() = 0;
  /// Why it failed: credentials when the server refuses our certificate or key, and link_down for
  /// the rest, also when we refuse the server's certificate: a captive portal goes away, clocks are
  /// set and certificates renewed without anybody touching this machine. And what exactly in words.
  [[nodiscard]] virtual Answer failure() const = 0;
  /// Version and cipher suite, such as `TLSv1.3 TLS1-3-AES-256-GCM-SHA384`, and `, resumed`; empty
  /// without TLS.
  [[nodiscard]] virtual std::string description() const = 0;
  /// What has gone through the socket.
  [[nodiscard]] virtual Counts counts() const = 0;
};

/// What is behind the public Tls: makes connections. (Mbed TLS implements it; whoever carries bytes
/// knows only this.)
class Engine : public Tls {
 public:
  /// A client connection on `socket` to a server that must be `host` (unless the options name
  /// another). Files that have changed are read first.
  /// Errors: as make_tls(), when a file that changed is no good now.
  virtual Result<std::unique_ptr<Connection>> begin(int socket, const std::string& host) = 0;
};

}  // namespace edgepost::tls
