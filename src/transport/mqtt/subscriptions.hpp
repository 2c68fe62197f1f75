#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "transport/mqtt/client.hpp"

namespace edgepost::mqtt {

/// The filters of one transport, and whether the broker has them all. The broker keeps them with
/// the session, so that a new connection need not repeat them while the session is there.
class Subscriptions {
 public:
  explicit Subscriptions(std::vector<std::string> filters) : filters_(std::move(filters)) {}

  /// Subscribes, unless the broker's session has everything already. Returns what stands in the way
  /// in words, or nothing.
  std::string begin(Client& client, bool has_session, Instant now);

  /// Takes a SUBACK. Nothing while another one is missing; then how it ended: the first refusal,
  /// with its filter, at once.
  std::optional<Answer> take(const Subscribed& subscribed, bool is_v5);

  /// How long it has taken by now. Requires: begin().
  [[nodiscard]] Duration elapsed(Instant now) const { return now - begun_; }

  /// All filters, for people.
  [[nodiscard]] std::string names() const;

 private:
  struct Request {
    int message_id = 0;
    std::size_t first = 0;  // of filters_
  };

  const std::vector<std::string> filters_;
  std::vector<Request> waiting_;
  Instant begun_{};
  bool is_standing_ = false;  // the session has had them all
};

}  // namespace edgepost::mqtt
