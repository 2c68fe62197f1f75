#pragma once

#include "tls/engine.hpp"

namespace edgepost::tls {

/// A connection without TLS.
class Plain final : public Connection {
 public:
  explicit Plain(int socket) : socket_(socket) {}

  Want handshake() override { return Want::nothing; }
  Want write(std::span<const std::byte> bytes, std::size_t& count) override;
  Want read(std::span<std::byte> room, std::size_t& count) override;
  void close() override {}
  [[nodiscard]] Answer failure() const override { return failure_; }
  [[nodiscard]] std::string description() const override { return {}; }
  [[nodiscard]] Counts counts() const override { return counts_; }

 private:
  Want fail(int error);

  int socket_;
  Answer failure_{};
  Counts counts_{};
};

}  // namespace edgepost::tls
