#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "edgepost/status.hpp"
#include "edgepost/transport.hpp"
#include "edgepost/uplink.hpp"

namespace edgepost {

/// A change of an uplink's link that the world should hear of.
struct LinkNews {
  /// `online`, `offline`, `degraded`, `restored`, `breaker`, `rate_limit`, `budget`, `credentials`,
  /// `configuration` or `failover`.
  std::string_view what;
  std::string_view uplink;         ///< Its name.
  std::string_view address;        ///< Of the endpoint, without credentials.
  UplinkState state{};             ///< Of that endpoint, after the change.
  BreakerState breaker{};          ///< Of that endpoint, after the change.
  std::string_view reason{};       ///< For people; empty: none. No secret.
  std::string_view correlation{};  ///< As in the audit and the log.
};

/// What became of events from upstream.
struct InboxCount {
  std::uint64_t stored = 0;
  std::uint64_t again = 0;    ///< Stored before.
  std::uint64_t refused = 0;  ///< Break a rule; their Received::refusal says which.
};

/// What an uplink asks of the gateway that it belongs to, and tells it. Called on the uplink's
/// thread, without any lock of the uplink held; each may be null.
struct UplinkHooks {
  /// Stores events from the endpoint at `address`, all in one commit; null: there is no inbox.
  /// Errors: full, io_error, busy: none is stored.
  std::function<Result<InboxCount>(std::string_view address, std::span<Received> received)> receive;
  /// The cursor that was stored last with an event from `address`; empty: none.
  std::function<std::string(std::string_view address)> cursor;
  /// A durable note (`budget/<uplink>`), and how to write it: a commit with a sync, so rarely.
  std::function<Result<std::optional<std::string>>(std::string_view name)> note;
  std::function<Status(std::string_view name, std::string_view value)> set_note;
  std::function<void(const LinkNews&)> tell;
  /// Adds a row to the audit; its number is for the ring to give.
  std::function<void(AuditEntry&&)> audit;
};

}  // namespace edgepost
