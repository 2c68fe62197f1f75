#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "edgepost/status.hpp"
#include "edgepost/time.hpp"

namespace edgepost {

/// A UUIDv7 (RFC 9562, section 5.7): 48 bits of milliseconds, then random bits. The nil id, all
/// zero, means "not given yet".
class EventId {
 public:
  /// The nil id.
  EventId() = default;

  /// An id from its sixteen bytes, in network order.
  explicit EventId(const std::array<std::uint8_t, 16>& bytes) : bytes_(bytes) {}

  /// Reads the 36-character form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`, in either case.
  /// Errors: invalid_argument when the text is anything else.
  static Result<EventId> parse(std::string_view text);

  /// The 36-character form, in lower case.
  [[nodiscard]] std::string to_string() const;

  /// The sixteen bytes, in network order.
  [[nodiscard]] const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }

  /// True when no id was given.
  [[nodiscard]] bool is_nil() const { return bytes_ == std::array<std::uint8_t, 16>{}; }

  auto operator<=>(const EventId&) const = default;

 private:
  std::array<std::uint8_t, 16> bytes_{};
};

/// A free attribute of an event: a CloudEvents extension attribute with a string value.
struct Attribute {
  std::string name{};   ///< 1 to 20 characters of a-z and 0-9; not one that Event has as a field.
  std::string value{};  ///< UTF-8 without control characters, at most 1,024 bytes.

  bool operator==(const Attribute&) const = default;
};

/// A fact that happened, with the attributes of CloudEvents 1.0 and opaque data. A publisher sets
/// `topic` and `data`, and what else it knows; publishing fills in the rest.
struct Event {
  std::string topic{};  ///< MQTT topic name; CloudEvents `subject`. 1 to 512 bytes, no wildcard.
  std::string data{};   ///< Opaque bytes; 256 KiB at most unless the gateway is told otherwise.
  std::string key{};    ///< Events of one key stay in order; `partitionkey`; at most 255 bytes.
  std::string type{};   ///< CloudEvents `type`, <= 255 bytes; empty: "edgepost.event".
  std::string content_type{};  ///< `datacontenttype`: media type (RFC 2045) or none; <= 255 bytes.
  std::string schema{};  ///< CloudEvents `dataschema`: a URI (RFC 3986), <= 1,024 bytes, or empty.
  std::string source{};  ///< CloudEvents `source`: URI reference, <= 1,024 bytes; empty: gateway's.
  EventId id{};          ///< CloudEvents `id`, a UUIDv7; nil: made when published.
  std::optional<Timestamp> time{};  ///< CloudEvents `time`, years 0000 to 9999; none: now.
  /// Time to live from publishing on, more than zero, ending before the year 10000; none: for ever.
  std::optional<Duration> expires_after{};
  /// Not handed to consumers before this long after it was stored; more than zero, ending before
  /// the year 10000; none: at once. Local: it does not travel with the event. This and
  /// `expires_after` are counted while the machine has power, whatever the wall clock does.
  std::optional<Duration> not_before{};
  std::string correlation_id{};  ///< Conversation this belongs to: `correlationid`; <= 255 bytes.
  std::string causation_id{};    ///< Id of the event that caused this: `causationid`; <= 255 bytes.
  std::string trace_parent{};    ///< W3C Trace Context `traceparent`, 55 characters, or empty.
  std::vector<Attribute> attributes{};  ///< Free attributes, each name once; at most 32.
  std::uint64_t sequence = 0;  ///< Place in its stream, from 1; given when stored, 0 before.

  /// Returns this event linked to the one that caused it: `causation_id` is the parent's id (empty
  /// while the parent has none), `correlation_id` the parent's (its id where it has none), and
  /// `trace_parent` the parent's unless this event has one of its own.
  [[nodiscard]] Event caused_by(const Event& parent) &&;

  bool operator==(const Event&) const = default;
};

/// Limits that publishing checks; the defaults fit a gateway with 64 MiB of memory.
struct EventLimits {
  std::size_t data_bytes_max = 256 * 1024;  ///< 1 to 64 MiB.
};

/// Checks every field of `event`. Nothing is changed.
/// Errors: invalid_argument, naming the field and, where there is one, the position (from 0).
Status validate(const Event& event, const EventLimits& limits);

}  // namespace edgepost
