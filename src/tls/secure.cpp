#include "tls/secure.hpp"

extern "C" {
#include <mbedtls/net_sockets.h>
}

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "tls/names.hpp"
#include "tls/refusal.hpp"
#include "tls/server_hello.hpp"

namespace edgepost::tls {
namespace {

// A ServerHello fits in many times over.
constexpr std::size_t kFirstBytesMax = 1024;

// A session stands for the certificates it was begun with: they are looked at again every day.
constexpr Duration kSessionAgeMax = std::chrono::hours(24);

}  // namespace

Result<std::unique_ptr<Connection>> Secure::make(std::shared_ptr<Material> material, int socket,
                                                 const std::string& host, std::string server,
                                                 const Clock& clock) {
  auto connection =
      std::make_unique<Secure>(std::move(material), socket, host, std::move(server), clock);
  if (const int code = connection->set_up(host); code != 0) {
    return Status(Code::io_error, "tls: " + error_text(code));
  }
  return std::unique_ptr<Connection>(std::move(connection));
}

int Secure::set_up(const std::string& host) {
  mbedtls_ssl_context* const context = context_.get();
  int code = mbedtls_ssl_setup(context, &material_->config());
  // An address is no server name (RFC 6066, section 3); the verdict checks either.
  if (code == 0) {
    code = mbedtls_ssl_set_hostname(context, address_bytes(host).empty() ? host.c_str() : nullptr);
  }
  if (code != 0) return code;
  mbedtls_ssl_set_verify(context, &Verdict::judge, &verdict_);
  mbedtls_ssl_set_bio(context, this, &Secure::send, &Secure::receive, nullptr);
  Sessions::Saved saved = material_->sessions().take(server_, clock_.wall());
  if (saved.session != nullptr && mbedtls_ssl_set_session(context, saved.session->get()) == 0) {
    has_offered_ = true;
    valid_until_ = saved.valid_until;
  }
  return 0;
}

int Secure::send(void* self, const unsigned char* bytes, std::size_t size) {
  auto& connection = *static_cast<Secure*>(self);
  const ssize_t sent = ::send(connection.socket_, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent >= 0) {
    connection.counts_.sent += static_cast<std::uint64_t>(sent);
    return static_cast<int>(sent);
  }
  if (errno == EAGAIN || errno == EINTR) return MBEDTLS_ERR_SSL_WANT_WRITE;
  return MBEDTLS_ERR_NET_CONN_RESET;
}

int Secure::receive(void* self, unsigned char* room, std::size_t size) {
  return static_cast<Secure*>(self)->receive(room, size);
}

int Secure::receive(unsigned char* room, std::size_t size) {
  const bool goes_past = !has_ahead() && size >= ahead_.size();
  if (!has_ahead()) {
    unsigned char* const to = goes_past ? room : ahead_.data();
    const ssize_t got = ::recv(socket_, to, goes_past ? size : ahead_.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return MBEDTLS_ERR_SSL_WANT_READ;
    if (got < 0) return MBEDTLS_ERR_NET_CONN_RESET;
    const auto count = static_cast<std::size_t>(got);
    counts_.received += count;
    if (!is_open_ && first_.size() < kFirstBytesMax) {
      first_.append(reinterpret_cast<const char*>(to),
                    std::min(count, kFirstBytesMax - first_.size()));
    }
    if (goes_past || count == 0) return static_cast<int>(count);
    ahead_begin_ = 0;
    ahead_end_ = count;
  }
  const std::size_t count = std::min(size, ahead_end_ - ahead_begin_);
  std::memcpy(room, ahead_.data() + ahead_begin_, count);
  ahead_begin_ += count;
  return static_cast<int>(count);
}

Want Secure::handshake() {
  const int code = mbedtls_ssl_handshake(context_.get());
  if (code == MBEDTLS_ERR_SSL_WANT_READ) return Want::read;
  if (code == MBEDTLS_ERR_SSL_WANT_WRITE) return Want::write;
  return code == 0 ? accept() : fail(code);
}

/// The handshake is over: what Mbed TLS does not insist on is checked here.
Want Secure::accept() {
  const mbedtls_ssl_context* const context = context_.get();
  const bool is_13 = mbedtls_ssl_get_version_number(context) == MBEDTLS_SSL_VERSION_TLS1_3;
  const bool may_be_12 =
      material_->config().MBEDTLS_PRIVATE(min_tls_version) == MBEDTLS_SSL_VERSION_TLS1_2;
  if (!is_13 && !may_be_12) return fail("TLS: the server knows no version that is new enough");
  if (!is_13 && !has_extended_master_secret(first_)) {
    return fail("TLS: the server's TLS 1.2 has no extended master secret (RFC 7627)");
  }
  const bool is_resumed = has_offered_ && !verdict_.is_reached();
  if (!verdict_.is_reached() && !is_resumed && !material_->has_psk()) {
    return fail("TLS: the server has shown no certificate");
  }
  if (material_->has_alpn() && mbedtls_ssl_get_alpn_protocol(context) == nullptr) {
    return fail("TLS: the server takes no protocol of alpn");
  }
  if (!is_resumed) valid_until_ = verdict_.valid_until();
  is_open_ = true;
  first_ = {};
  description_ = std::string(mbedtls_ssl_get_version(context)) + " " +
                 mbedtls_ssl_get_ciphersuite(context) + (is_resumed ? ", resumed" : "");
  return Want::nothing;
}

Want Secure::write(std::span<const std::byte> bytes, std::size_t& count) {
  count = 0;
  int code = MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET;
  while (code == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET) {
    code = mbedtls_ssl_write(context_.get(), reinterpret_cast<const unsigned char*>(bytes.data()),
                             bytes.size());
    // A ticket that read() met before it was all there is taken by whatever call comes next.
    if (code == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET) keep_session();
  }
  if (code == MBEDTLS_ERR_SSL_WANT_WRITE) return Want::write;
  if (code == MBEDTLS_ERR_SSL_WANT_READ) return Want::read;
  if (code < 0) return fail(code);
  count = static_cast<std::size_t>(code);
  return Want::nothing;
}

Want Secure::read(std::span<std::byte> room, std::size_t& count) {
  count = 0;
  for (;;) {
    const int code = mbedtls_ssl_read(context_.get(), reinterpret_cast<unsigned char*>(room.data()),
                                      room.size());
    if (code > 0) {
      count = static_cast<std::size_t>(code);
      return Want::nothing;
    }
    switch (code) {
      case MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET:
        keep_session();
        continue;
      case MBEDTLS_ERR_SSL_WANT_READ:
        // It also says so after a warning that it leaves aside, with more behind it.
        if (has_ahead()) continue;
        return Want::read;
      case MBEDTLS_ERR_SSL_WANT_WRITE:
        return Want::write;
      case MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY:
        return Want::closed;
      default:
        return fail(code);
    }
  }
}

void Secure::keep_session() {
  auto session = std::make_unique<Session>();
  if (mbedtls_ssl_get_session(context_.get(), session->get()) != 0) return;
  const Timestamp until = has_offered_ && !verdict_.is_reached()
                              ? valid_until_
                              : std::min(valid_until_, clock_.wall() + kSessionAgeMax);
  material_->sessions().put(server_, {std::move(session), until});
}

void Secure::close() {
  if (is_open_) mbedtls_ssl_close_notify(context_.get());
  is_open_ = false;
}

Want Secure::fail(int code) {
  const Circumstances circumstances{.is_handshaking = !is_open_,
                                    .has_certificate = material_->has_certificate(),
                                    .has_psk = material_->has_psk(),
                                    .first = first_};
  if (!is_open_ && verdict_.is_reached()) {
    const std::string reasons = verdict_.reasons(mbedtls_ssl_get_verify_result(context_.get()));
    if (!reasons.empty()) return fail("TLS: " + reasons);
  }
  if (code == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE) {
    // The alert's number is the second byte of the message; there is no other way to it.
    failure_ = explain_alert(context_.get()->MBEDTLS_PRIVATE(in_msg)[1], circumstances);
  } else {
    failure_ = explain_error(code, circumstances);
  }
  is_open_ = false;
  return Want::failed;
}

Want Secure::fail(std::string reason) {
  failure_ = {AnswerClass::link_down, std::move(reason), {}};
  failure_.is_tls = true;
  is_open_ = false;
  return Want::failed;
}

}  // namespace edgepost::tls
