#pragma once

#include <memory>
#include <string>
#include <vector>

#include "edgepost/status.hpp"

namespace edgepost {

/// Looks up a host name beside its caller, on a short-lived thread of its own, because the system's
/// resolver blocks for as long as it likes. A numeric address needs no thread.
/// Threads: one at a time.
class Lookup {
 public:
  using Addresses = std::vector<std::string>;

  /// Begins. Errors: io_error (no thread or descriptor to be had).
  static Result<Lookup> start(std::string host);

  Lookup(Lookup&&) noexcept;
  Lookup& operator=(Lookup&&) noexcept;
  /// Never waits: a look-up in progress ends by itself, unseen.
  ~Lookup();

  /// Becomes readable when the look-up is over; -1: it is already.
  [[nodiscard]] int descriptor() const;

  [[nodiscard]] bool is_done() const;

  /// Numeric addresses, in the system's order of preference, at least one and at most 8.
  /// Errors: unavailable, with the resolver's words. Requires: is_done().
  [[nodiscard]] Result<Addresses> result() const;

 private:
  struct Shared;
  explicit Lookup(std::shared_ptr<Shared> shared);
  std::shared_ptr<Shared> shared_;
};

}  // namespace edgepost
