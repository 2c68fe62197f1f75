#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "edgepost/status.hpp"
#include "edgepost/time.hpp"

namespace edgepost::https {

/// One server-sent event.
struct StreamEvent {
  std::string data{};
  std::string id{};  ///< The last one that was sent, with this event or before it.
};

/// Reads server-sent events (WHATWG HTML, section 9.2.6) as they come in, in pieces of any size.
/// The bytes of one event, and of one line, are bounded.
class EventStream {
 public:
  explicit EventStream(std::size_t event_bytes_max) : bytes_max_(event_bytes_max) {}

  /// Takes more bytes; what they complete is appended to `out`.
  /// Errors: invalid_argument: an event longer than the bound; the stream is of no use any more.
  Status take(std::string_view bytes, std::vector<StreamEvent>& out);

  /// How long to wait before reconnecting, if the server said so.
  [[nodiscard]] std::optional<Duration> retry() const { return retry_; }

 private:
  void line(std::vector<StreamEvent>& out);

  std::size_t bytes_max_;
  std::string line_;
  std::string data_;
  std::string id_;
  std::optional<Duration> retry_;
  bool is_first_line_ = true;
  bool was_return_ = false;  // The line before ended with CR; a LF that follows belongs to it.
};

}  // namespace edgepost::https
