#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "edgepost/https.hpp"
#include "platform/probe.hpp"
#include "platform/wake_up.hpp"
#include "transport/https/answers.hpp"
#include "transport/https/authenticator.hpp"
#include "transport/https/inbound.hpp"
#include "transport/https/line.hpp"
#include "transport/https/request_template.hpp"
#include "transport/https/token_keeper.hpp"
#include "transport/https/url.hpp"

namespace edgepost::https {

/// Posts events, one request at a time, on one line; asks for events on another.
class HttpsTransport final : public Transport {
 public:
  /// What make_https_transport() has checked and made.
  struct Parts {
    HttpsOptions options{};
    Platform platform{};  ///< Complete.
    Url url{};
    Url inbound_url{};
    std::optional<CompiledTemplate> request{};
    std::unique_ptr<Line> line{};
    std::unique_ptr<Line> inbound_line{};  ///< Null: nothing comes in.
  };

  explicit HttpsTransport(Parts parts);
  ~HttpsTransport() override { disconnect(); }

  [[nodiscard]] bool is_usable() const { return wake_up_.is_open(); }

  Status connect() override;
  void disconnect() override;
  Status send(std::span<const Outbound> events) override;
  void poll(Duration wait, TransportSink& sink) override;
  void wake() override { wake_up_.set(); }
  void probe() override { probe_.start(platform_.clock->now()); }
  [[nodiscard]] Traffic traffic() const override;
  [[nodiscard]] std::string address() const override { return url_.to_string(); }

 private:
  enum class State : unsigned char {
    closed,       ///< -> authorizing, opening by connect().
    authorizing,  ///< Waits for a token. -> opening; -> closed.
    opening,      ///< The channel connects. -> online; -> closed.
    online,       ///< -> closed.
  };
  /// A request that is not answered yet.
  struct Pending {
    Request request{};
    Expectation expected{};
    std::vector<std::uint64_t> tokens{};
    std::string key{};
    bool has_begun = false;
    Instant began{};
  };
  struct Answered {
    std::uint64_t token;
    Answer answer;
  };
  struct Disconnected {
    Answer why;
  };
  struct Probed {
    bool is_reachable;
  };
  using News = std::variant<PeerLimits, Answered, Disconnected, Probed, Call>;

  bool renew_token(Instant now);
  void doubt_token(const Answer& answer);
  void authorize(Instant now);
  void step(Instant now);
  void step_token(Instant now);
  void step_opening();
  void step_pending(Instant now);
  void conclude(Ending ending, Instant now);
  void answer_all(const Answer& answer);
  void lose(Answer why);
  void tell(TransportSink& sink);
  void wait_for(Duration wait);
  [[nodiscard]] bool has_news() const;
  [[nodiscard]] PeerLimits limits() const;
  void dress(Request& request);
  void compress(Request& request) const;
  [[nodiscard]] std::string target(const std::string& added) const;

  const HttpsOptions options_;
  const Platform platform_;
  const Url url_;
  const std::optional<CompiledTemplate> template_;
  const std::string user_agent_;
  const WakeUp wake_up_{};
  Authenticator authenticator_;
  std::unique_ptr<TokenKeeper> token_keeper_{};
  std::unique_ptr<Line> line_;
  std::unique_ptr<Inbound> inbound_{};
  Probe probe_;

  State state_ = State::closed;
  std::optional<Pending> pending_{};
  std::deque<News> news_{};
  std::vector<pollfd> descriptors_{};
};

}  // namespace edgepost::https
