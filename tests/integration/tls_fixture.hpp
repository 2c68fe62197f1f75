#pragma once

#include <memory>
#include <optional>
#include <string>

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
    Result<std::shared_ptr<Tls>> made = make_tls(options, platform());
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

  Outcome connect(std::uint16_t port, const std::string& host = "127.0.0.1",
                  Duration timeout = std::chrono::seconds(10)) {
    auto channel = *tls::Channel::make(
        {.host = host, .port = port, .tls = tls_, .connect_timeout = timeout}, {});
    const Clock& clock = *default_platform().clock;
    channel->begin(clock.now());
    std::optional<Peer> library;
    std::string echo;
    bool is_over = false;
    drive(*channel, [&](Instant now) {
      channel->step(now);
      if (channel->state() == tls::Channel::State::open && !library) {
        library.emplace(connect_to_path(channel->path()));
        library->send("hello\n");
      }
      if (library) echo += library->receive(100, is_over);
      return echo == "olleh\n" || channel->state() == tls::Channel::State::failed || is_over;
    });
    Outcome outcome{.is_served = echo == "olleh\n",
                    .failure = channel->failure(),
                    .description = channel->description()};
    channel->end();
    outcome.traffic = channel->traffic();
    return outcome;
  }

  FakeClock& clock() { return clock_; }

 private:
  Platform platform() {
    Platform whole;
    whole.clock = &clock_;
    return whole;
  }

  FakeClock clock_;
  std::shared_ptr<Tls> tls_;
};

}  // namespace edgepost::test
