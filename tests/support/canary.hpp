#pragma once

#include <doctest.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "edgepost/gateway.hpp"
#include "support/process.hpp"
#include "support/temp_dir.hpp"
#include "wire/base64.hpp"

namespace edgepost::test {

/// Texts that must never be seen: as they are, in base64 wherever it begins, or in hex.
class Canaries {
 public:
  /// A new one. `name` says in messages which it is.
  std::string hatch(const std::string& name) {
    std::string canary = "canary." + name + ".4b1d";
    known_.push_back(canary);
    return canary;
  }

  /// The first that `text` has in any shape; empty: none.
  [[nodiscard]] std::string found_in(std::string_view text) const {
    for (const std::string& canary : known_) {
      for (const std::string& shape : shapes(canary)) {
        if (text.find(shape) != std::string_view::npos) return canary;
      }
    }
    return {};
  }

  void check_absent(std::string_view where, std::string_view text) const {
    INFO(where << " has one:\n" << std::string(text.substr(0, 4'000)));
    CHECK(found_in(text).empty());
  }

 private:
  static std::vector<std::string> shapes(const std::string& canary) {
    std::vector<std::string> shapes = {canary, {}};
    for (const char c : canary) {
      const auto byte = static_cast<unsigned char>(c);
      shapes[1] += "0123456789abcdef"[byte >> 4U];
      shapes[1] += "0123456789abcdef"[byte & 15U];
    }
    // What stands in front of it shifts its base64; the ends depend on the neighbours.
    for (std::size_t shift = 0; shift < 3; ++shift) {
      std::string encoded;
      wire::append_base64(std::string(shift, ' ') + canary, encoded);
      shapes.push_back(encoded.substr(4, encoded.size() - 12));
    }
    return shapes;
  }

  std::vector<std::string> known_;
};

/// A gateway on the machine's clock of which everything that anybody can see is kept.
class WatchedGateway {
 public:
  WatchedGateway() {
    options.database = dir.file("gateway.db");
    options.device_id = "gw-1";
    options.platform.logger = &log_;
    auto opened = Gateway::open(options);
    REQUIRE(opened.is_ok());
    gateway = std::move(*opened);
    REQUIRE(gateway->create_stream({.name = "outbox", .filters = {"sensor/#"}}).is_ok());
    REQUIRE(gateway->create_stream({.name = "inbox"}).is_ok());
    auto subscription = gateway->subscribe("#", [this](const Event& event) {
      log_.write(LogLevel::debug, event.topic, event.type + " " + event.source + " " + event.data);
      return Status();
    });
    REQUIRE(subscription.is_ok());
    subscription_ = std::move(*subscription);
  }
  ~WatchedGateway() { gateway.reset(); }
  WatchedGateway(const WatchedGateway&) = delete;
  WatchedGateway& operator=(const WatchedGateway&) = delete;

  /// Keeps what a call returned.
  void saw(const Status& status) { log_.write(LogLevel::debug, "status", status.message()); }

  /// Steps until `is_done`, ten seconds at most; true when it came to that.
  bool step_until(const std::function<bool(const UplinkStatus&)>& is_done) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (std::chrono::steady_clock::now() < deadline) {
      if (is_done(gateway->status().uplinks.front())) return true;
      gateway->step(default_platform().clock->now(), std::chrono::milliseconds(10));
    }
    return false;
  }

  /// Everything that was seen so far: log, errors, events, status, audit, metrics.
  std::string visible() {
    std::string text = log_.text() + gateway->metrics();
    for (const UplinkStatus& uplink : gateway->status().uplinks) {
      text += uplink.name + "\n" + uplink.address + "\n" + uplink.last_error + "\n";
      for (const EndpointStatus& endpoint : uplink.endpoints)
        text += endpoint.address + "\n" + endpoint.last_error + "\n";
    }
    for (const AuditEntry& row : gateway->audit()) {
      text += row.uplink + " " + row.address + " " + row.what + " " + row.outcome + " " +
              row.detail + " " + row.correlation + "\n";
    }
    const auto letters = gateway->dead_letters({});
    REQUIRE(letters.is_ok());
    for (const DeadLetter& letter : *letters)
      text += letter.reason + " " + letter.first_error + " " + letter.last_error + "\n";
    return text;
  }

  /// That no canary was seen, and none is in a file.
  void check_silent(const Canaries& canaries) {
    canaries.check_absent("what is visible", visible());
    REQUIRE(gateway->flush().is_ok());
    check_files(canaries);
    gateway->stop();
    gateway.reset();
    canaries.check_absent("the log of the end", log_.text());
    check_files(canaries);
  }

  TempDir dir;
  GatewayOptions options;
  std::unique_ptr<Gateway> gateway;

 private:
  class Log final : public Logger {
   public:
    void write(LogLevel /*level*/, std::string_view module, std::string_view line) override {
      const std::lock_guard lock(mutex_);
      text_.append(module).append(": ").append(line).append("\n");
    }
    std::string text() {
      const std::lock_guard lock(mutex_);
      return text_;
    }

   private:
    std::mutex mutex_;
    std::string text_;
  };

  void check_files(const Canaries& canaries) const {
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(dir.path())) {
      if (!entry.path().filename().string().starts_with("gateway.db")) continue;
      canaries.check_absent(entry.path().string(), read_file(entry.path().string()));
      ++files;
    }
    CHECK(files > 0);
  }

  Log log_;
  Subscription subscription_;
};

}  // namespace edgepost::test
