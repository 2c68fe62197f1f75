#pragma once

#include <array>
#include <memory>
#include <string>

#include "edgepost/platform.hpp"
#include "tls/engine.hpp"
#include "tls/material.hpp"
#include "tls/verdict.hpp"

namespace edgepost::tls {

/// A connection with TLS, by Mbed TLS.
class Secure final : public Connection {
 public:
  /// `server` is the name under which sessions are kept, `host` what the certificate must have.
  /// Errors: io_error (memory).
  static Result<std::unique_ptr<Connection>> make(std::shared_ptr<Material> material, int socket,
                                                  const std::string& host, std::string server,
                                                  const Clock& clock);

  Secure(std::shared_ptr<Material> material, int socket, const std::string& host,
         std::string server, const Clock& clock)
      : material_(std::move(material)),
        verdict_(host, material_->pins(), material_->roots(), clock),
        socket_(socket),
        server_(std::move(server)),
        clock_(clock) {}

  Want handshake() override;
  Want write(std::span<const std::byte> bytes, std::size_t& count) override;
  Want read(std::span<std::byte> room, std::size_t& count) override;
  void close() override;
  [[nodiscard]] Answer failure() const override { return failure_; }
  [[nodiscard]] std::string description() const override { return description_; }
  [[nodiscard]] Counts counts() const override { return counts_; }

 private:
  static int send(void* self, const unsigned char* bytes, std::size_t size);
  static int receive(void* self, unsigned char* room, std::size_t size);
  int receive(unsigned char* room, std::size_t size);
  int set_up(const std::string& host);
  [[nodiscard]] bool has_ahead() const { return ahead_begin_ < ahead_end_; }
  Want accept();
  Want fail(int code);
  Want fail(std::string reason);
  void keep_session();

  std::shared_ptr<Material> material_;  // outlives context_
  Verdict verdict_;                     // outlives context_
  int socket_;
  std::string server_;
  const Clock& clock_;
  Context context_{};
  bool is_open_ = false;
  bool has_offered_ = false;  // a session to resume
  Timestamp valid_until_{};   // of that session's certificates
  std::string first_{};       // bytes of the server, until the handshake is over
  Answer failure_{};
  std::string description_{};
  Counts counts_{};
  // Mbed TLS asks the socket twice for each record; many small ones come in one read.
  std::array<unsigned char, 4096> ahead_;
  std::size_t ahead_begin_ = 0;
  std::size_t ahead_end_ = 0;
};

}  // namespace edgepost::tls
