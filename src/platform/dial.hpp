#pragma once

#include <poll.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "edgepost/time.hpp"
#include "platform/descriptor.hpp"
#include "platform/lookup.hpp"

namespace edgepost {

/// Makes a TCP connection to a host: look-up, then address by address, each with an equal part of
/// the time that is left. An address that worked is the first one the next time; after one that
/// did not comes the next. A host that begins with `/` is the path of a unix-domain socket.
/// Threads: one at a time.
class Dial {
 public:
  enum class State : unsigned char {
    idle,        ///< -> looking_up by start().
    looking_up,  ///< -> connecting; -> failed.
    connecting,  ///< -> connected; -> failed after the last address.
    connected,   ///< take_socket() has it. -> connecting by try_next(); -> idle by cancel().
    failed,      ///< failure() says why. -> looking_up by start().
  };

  Dial(std::string host, std::uint16_t port) : host_(std::move(host)), port_(port) {}

  /// Begins anew.
  void start(Instant now, Duration timeout);
  void cancel();

  /// The address that was connected to is no good, for the reason `why`: goes on with the next one.
  void try_next(Instant now, std::string why);

  /// The address that was connected to is no good, as it turned out in the end: start() begins with
  /// the next one.
  void avoid() { ++turn_; }

  void add_descriptors(std::vector<pollfd>& to) const;
  /// When step() must be called although no descriptor is ready; while connected: until when the
  /// address has time to show that it is good.
  [[nodiscard]] Instant due() const;
  State step(Instant now);

  [[nodiscard]] State state() const { return state_; }
  /// Non-blocking, without delay (Nagle), with TCP keep-alive. Requires: connected.
  [[nodiscard]] Descriptor take_socket() { return std::move(socket_); }
  /// Why the last address failed, in words.
  [[nodiscard]] const std::string& failure() const { return failure_; }

 private:
  void look_up();
  void take_addresses(Instant now);
  void open_next(Instant now);
  void check_connection(Instant now);
  bool open(const std::string& address);

  std::string host_;
  std::uint16_t port_;
  State state_ = State::idle;
  Instant deadline_{};          // of everything
  Instant address_deadline_{};  // of the present address
  std::optional<Lookup> lookup_{};
  std::vector<Lookup> late_{};  // given up by us, in progress still
  Lookup::Addresses addresses_{};
  std::size_t turn_ = 0;  // addresses_[turn_ % size] is the present one
  std::size_t left_ = 0;  // addresses to try, the present one not counted
  Descriptor socket_{};
  std::string failure_{};
};

}  // namespace edgepost
