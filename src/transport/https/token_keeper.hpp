#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "edgepost/https.hpp"
#include "transport/https/line.hpp"
#include "transport/https/token.hpp"

namespace edgepost::https {

/// Fetches an OAuth 2.0 token and keeps it in memory: one fetch at a time, however many wait.
/// Threads: one at a time.
class TokenKeeper {
 public:
  /// Requires: valid options; `tls` is for token_url.
  TokenKeeper(const OAuth2Auth& options, std::shared_ptr<Tls> tls, const Platform& platform);

  /// Whether a request may go out with value() now. Otherwise, or when 80 % of its life are over, a
  /// fetch is begun, unless one is in progress.
  bool is_good(Instant now);
  [[nodiscard]] const std::string& value() const { return token_.value; }
  /// The server did not take it: the next one must be another.
  void forget() { token_.value.clear(); }
  /// Ends a fetch in progress; a token is kept.
  void cancel();

  void add_descriptors(std::vector<pollfd>& to) const;
  [[nodiscard]] Instant due() const;
  void step(Instant now);
  /// What became of a fetch, once.
  std::optional<Call> take_call() { return std::exchange(call_, std::nullopt); }
  /// Why there is no token, once. While an old one is good there is no failure.
  std::optional<Answer> take_failure() { return std::exchange(failure_, std::nullopt); }
  [[nodiscard]] Traffic traffic() const;

 private:
  void fetch(Instant now);
  void finish(Instant now, TokenReply reply);

  const OAuth2Auth options_;
  const std::shared_ptr<Tls> tls_;
  const Platform platform_;
  std::unique_ptr<Line> line_{};  // While fetching: a thread and a socket for once an hour.
  Instant began_{};
  Token token_{};
  Instant refresh_at_{};
  Instant expires_at_{};
  std::optional<Call> call_{};
  std::optional<Answer> failure_{};
  Traffic past_{};
};

/// The sum of both.
Traffic operator+(const Traffic& a, const Traffic& b);

}  // namespace edgepost::https
