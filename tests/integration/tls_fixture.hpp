#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "edgepost/tls.hpp"
#include "support/fake_clock.hpp"
#include "support/pki.hpp"
#include "support/tls_server.hpp"
#include "tls/channel.hpp"

namespace edgepost::test {

/// A client of TLS servers: channels of one Tls object, with a clock that the test sets.
class TlsClient {
 public:
  explicit TlsClient(const TlsOptions& options) {
    clock_.set_wall(default_platform().clock->wall());
    Platform platform;
    platform.clock = &clock_;
    Result<std::shared_ptr<Tls>> made = make_tls(options, platform);
    INFO(made.status().message());
    REQUIRE(made.is_ok());
    tls_ = std::move(*made);
  }

  /// What became of an attempt to connect, send a line and get it back.
  struct Outcome {
    bool is_served = false;
    Answer failure{};
    std::string description{};
    Traffic traffic{};
  };

  /// A channel that is open, or has failed.
  std::unique_ptr<tls::Channel> open(std::uint16_t port, const std::string& host = "127.0.0.1") {
    auto channel = *tls::Channel::make(
        {.host = host, .port = port, .tls = tls_, .connect_timeout = timeout_}, {});
    channel->begin(default_platform().clock->now());
    CHECK(drive(*channel, [&](Instant now) {
      channel->step(now);
      return channel->state() == tls::Channel::State::open ||
             channel->state() == tls::Channel::State::failed;
    }));
    return channel;
  }

  Outcome connect(std::uint16_t port, const std::string& host = "127.0.0.1") {
    const auto channel = open(port, host);
    std::string echo;
    if (channel->state() == tls::Channel::State::open) {
      const Peer library = connect_to_path(channel->path());
      library.send("hello\n");
      drive(*channel, [&](Instant now) {
        bool is_over = false;
        channel->step(now);
        echo += library.receive(100, is_over);
        return echo == "olleh\n" || channel->state() == tls::Channel::State::failed || is_over;
      });
    }
    Outcome outcome{.is_served = echo == "olleh\n",
                    .failure = channel->failure(),
                    .description = channel->description()};
    channel->end();
    outcome.traffic = channel->traffic();
    return outcome;
  }

  void set_timeout(Duration timeout) { timeout_ = timeout; }
  FakeClock& clock() { return clock_; }

 private:
  FakeClock clock_;
  Duration timeout_ = std::chrono::seconds(10);
  std::shared_ptr<Tls> tls_;
};

/// The options of a server that has `name` of `pki`, and more.
inline Words serving(const Pki& pki, const std::string& name, const Words& more = {}) {
  Words all{"-cert", pki.certificate(name), "-key", pki.key(name)};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

/// Trust in `root` of `pki`.
inline TlsOptions trusting(const Pki& pki, const std::string& server_name = "gate.example") {
  TlsOptions options;
  options.ca_file = pki.certificate("root");
  options.server_name = server_name;
  return options;
}

/// Tries twice, so that nothing that is remembered of the first time lets anybody in.
inline void check_refused(std::uint16_t port, TlsClient& client, const std::string& reason,
                          AnswerClass meaning = AnswerClass::link_down) {
  for (int attempt = 1; attempt <= 2; ++attempt) {
    CAPTURE(attempt);
    const TlsClient::Outcome outcome = client.connect(port);
    CHECK_FALSE(outcome.is_served);
    CHECK(outcome.failure.reason == "TLS: " + reason);
    CHECK(outcome.failure.meaning == meaning);
    CHECK_FALSE(outcome.failure.is_unreachable);
  }
}

inline void check_refused(const Words& server, const TlsOptions& options, const std::string& reason,
                          AnswerClass meaning = AnswerClass::link_down) {
  const TlsServer running(server);
  TlsClient client(options);
  check_refused(running.port(), client, reason, meaning);
}

}  // namespace edgepost::test
