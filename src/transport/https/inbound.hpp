#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "edgepost/https.hpp"
#include "transport/https/event_stream.hpp"
#include "transport/https/line.hpp"

namespace edgepost::https {

/// Asks the server for events, one request after the other, while the transport is online.
/// Threads: one at a time.
class Inbound {
 public:
  /// Adds to a request what every request has.
  using Prepare = std::function<void(Request&)>;

  Inbound(HttpsInbound kind, Url url, std::unique_ptr<Line> line, std::size_t event_bytes_max,
          const Clock& clock, Prepare prepare)
      : kind_(kind),
        url_(std::move(url)),
        line_(std::move(line)),
        event_bytes_max_(event_bytes_max),
        clock_(clock),
        prepare_(std::move(prepare)) {}

  /// Begins to ask, from the cursor that is stored.
  void start(Instant now);
  void stop();

  void add_descriptors(std::vector<pollfd>& to) const { line_->add_descriptors(to); }
  [[nodiscard]] Instant due() const;
  /// Moves bytes, and asks again when it is time.
  void step(Instant now);
  /// Tells `sink` what has come. Returns why the link must end, if it must.
  std::optional<Answer> deliver(Instant now, TransportSink& sink);
  /// Whether deliver() has something to do.
  [[nodiscard]] bool has_news() const { return ending_.has_value() || !pieces_.empty() || asks_; }
  [[nodiscard]] Traffic traffic() const { return line_->channel().traffic(); }

 private:
  struct Outcome {
    std::optional<Answer> failure{};
    bool has_moved = false;  // There may be more behind the cursor.
    std::string detail{};
  };

  void ask(Instant now, TransportSink& sink);
  Outcome take_ending(Instant now, const Ending& ending, TransportSink& sink);
  Outcome take_batch(const Reply& reply, TransportSink& sink);
  std::optional<Answer> take_pieces(TransportSink& sink);

  const HttpsInbound kind_;
  const Url url_;
  const std::unique_ptr<Line> line_;
  const std::size_t event_bytes_max_;
  const Clock& clock_;
  const Prepare prepare_;

  bool is_on_ = false;
  bool asks_ = false;          // The next request is due.
  bool knows_cursor_ = false;  // Since start(); then cursor_ goes with what was stored.
  std::string cursor_{};
  std::string pieces_{};
  std::optional<EventStream> stream_{};
  std::optional<Ending> ending_{};
  Instant asked_at_{};
  Instant next_at_{};
};

}  // namespace edgepost::https
