#include "tls/secure.hpp"

#include <doctest.h>
#include <fcntl.h>
#include <sys/socket.h>

#include "identities.hpp"
#include "platform/descriptor.hpp"
#include "support/fake_clock.hpp"
#include "support/process.hpp"
#include "support/temp_dir.hpp"

namespace edgepost::tls {
namespace {

/// A server by Mbed TLS on one end of a socket pair.
class Server {
 public:
  explicit Server(int socket) : socket_(socket) {
    const auto raw = [](const char* text) { return reinterpret_cast<const unsigned char*>(text); };
    const auto size = [](const char* text) { return std::string_view(text).size() + 1; };
    mbedtls_ssl_config* const config = config_.get();
    CHECK(mbedtls_x509_crt_parse(certificate_.get(), raw(test::kServer), size(test::kServer)) == 0);
    CHECK(mbedtls_pk_parse_key(key_.get(), raw(test::kServerKey), size(test::kServerKey), nullptr,
                               0, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE) == 0);
    CHECK(mbedtls_ssl_config_defaults(config, MBEDTLS_SSL_IS_SERVER, MBEDTLS_SSL_TRANSPORT_STREAM,
                                      MBEDTLS_SSL_PRESET_DEFAULT) == 0);
    mbedtls_ssl_conf_rng(config, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
    CHECK(mbedtls_ssl_conf_own_cert(config, certificate_.get(), key_.get()) == 0);
    CHECK(mbedtls_ssl_setup(context_.get(), config) == 0);
    mbedtls_ssl_set_bio(context_.get(), this, &Server::send, &Server::receive, nullptr);
  }

  int handshake() { return mbedtls_ssl_handshake(context_.get()); }
  int write(std::string_view bytes) {
    return mbedtls_ssl_write(context_.get(), reinterpret_cast<const unsigned char*>(bytes.data()),
                             bytes.size());
  }
  int close() { return mbedtls_ssl_close_notify(context_.get()); }
  std::string read() {
    std::string bytes(100'000, '\0');
    const int got = mbedtls_ssl_read(context_.get(), reinterpret_cast<unsigned char*>(bytes.data()),
                                     bytes.size());
    bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return bytes;
  }

 private:
  static int send(void* self, const unsigned char* bytes, std::size_t size) {
    const ssize_t sent = ::send(static_cast<Server*>(self)->socket_, bytes, size, MSG_NOSIGNAL);
    return sent < 0 ? MBEDTLS_ERR_SSL_WANT_WRITE : static_cast<int>(sent);
  }
  static int receive(void* self, unsigned char* room, std::size_t size) {
    const ssize_t got = ::recv(static_cast<Server*>(self)->socket_, room, size, 0);
    return got < 0 ? MBEDTLS_ERR_SSL_WANT_READ : static_cast<int>(got);
  }

  int socket_;
  Certificates certificate_{};
  Key key_{};
  Config config_{};
  Context context_{};
};

struct SecureFixture {
  test::TempDir directory{};
  test::FakeClock clock{};
  std::shared_ptr<Tls> tls = make();
  std::array<Descriptor, 2> ends = connect();
  Server server{ends[1].number()};
  std::unique_ptr<Connection> client = begin("gate.example");

  std::shared_ptr<Tls> make() {
    test::write_file(directory.file("root.pem"), test::kRoot);
    TlsOptions options;
    options.ca_file = directory.file("root.pem");
    clock.advance(std::chrono::hours(24));
    Platform platform;
    platform.clock = &clock;
    return *make_tls(options, platform);
  }

  static std::array<Descriptor, 2> connect() {
    std::array<int, 2> pair{};
    CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair.data()) == 0);
    return {Descriptor(pair[0]), Descriptor(pair[1])};
  }

  std::unique_ptr<Connection> begin(const std::string& host) {
    return *static_cast<Engine&>(*tls).begin(ends[0].number(), host);
  }

  Want shake_hands() {
    Want want = Want::read;
    for (int i = 0; i < 100 && (want == Want::read || want == Want::write); ++i) {
      want = client->handshake();
      server.handshake();
    }
    return want;
  }

  /// All that has come.
  std::string read(Want& want) {
    std::string bytes;
    std::array<std::byte, 5000> room{};
    want = Want::nothing;
    while (want == Want::nothing) {
      std::size_t count = 0;
      want = client->read(room, count);
      bytes.append(reinterpret_cast<const char*>(room.data()), count);
    }
    return bytes;
  }

  Want write(std::string_view text, std::size_t& count) const {
    return client->write(std::as_bytes(std::span(text)), count);
  }
};

TEST_CASE_FIXTURE(SecureFixture, "secure: a verified server is connected to, by TLS 1.3 [P-60]") {
  CHECK(shake_hands() == Want::nothing);
  CHECK(client->description() == "TLSv1.3 TLS1-3-CHACHA20-POLY1305-SHA256");
}

TEST_CASE_FIXTURE(SecureFixture, "secure: a server of another name is not [P-60]") {
  client = begin("other.example");
  CHECK(shake_hands() == Want::failed);
  CHECK(client->failure().reason ==
        "TLS: the server's certificate is not for other.example but for gate.example");
  CHECK(client->failure().is_tls);
}

TEST_CASE_FIXTURE(SecureFixture, "secure: many small records come in one read each, in order") {
  CHECK(shake_hands() == Want::nothing);
  std::string sent;
  for (int i = 0; i < 200; ++i) {
    const std::string record = "record " + std::to_string(i) + ";";
    CHECK(server.write(record) == static_cast<int>(record.size()));
    sent += record;
  }
  Want want{};
  CHECK(read(want) == sent);
  CHECK(want == Want::read);
}

TEST_CASE_FIXTURE(SecureFixture,
                  "secure: what the socket does not take waits, and nothing is lost") {
  CHECK(shake_hands() == Want::nothing);
  server.read();
  const std::string text(1'000'000, 'x');
  std::size_t sent = 0;
  Want want = Want::nothing;
  while (want == Want::nothing) {
    std::size_t count = 0;
    want = write(std::string_view(text).substr(sent), count);
    sent += count;
  }
  CHECK(want == Want::write);
  std::size_t received = 0;
  while (received < text.size()) {
    received += server.read().size();
    std::size_t count = 0;
    if (sent < text.size()) write(std::string_view(text).substr(sent), count);
    sent += count;
  }
  CHECK(received == text.size());
  CHECK(client->counts().sent > text.size());
}

TEST_CASE_FIXTURE(SecureFixture, "secure: a goodbye is a clean end, a cut is not [P-33]") {
  CHECK(shake_hands() == Want::nothing);
  Want want{};
  SUBCASE("goodbye") {
    CHECK(server.write("last words") > 0);
    CHECK(server.close() == 0);
    CHECK(read(want) == "last words");
    CHECK(want == Want::closed);
  }
  SUBCASE("cut") {
    CHECK(server.write("half an ans") > 0);
    ends[1].reset();
    CHECK(read(want) == "half an ans");
    CHECK(want == Want::failed);
    CHECK(client->failure().reason == "TLS: the connection was cut");
    CHECK(client->failure().meaning == AnswerClass::link_down);
  }
}

TEST_CASE_FIXTURE(SecureFixture, "secure: a changed byte ends the connection [P-33]") {
  CHECK(shake_hands() == Want::nothing);
  Want want{};
  read(want);
  CHECK(server.write("acknowledged") > 0);
  std::array<char, 1000> record{};
  const ssize_t size = ::recv(ends[0].number(), record.data(), record.size(), MSG_DONTWAIT);
  REQUIRE(size > 10);
  record[static_cast<std::size_t>(size) - 1] ^= 1;
  CHECK(::send(ends[1].number(), record.data(), static_cast<std::size_t>(size), 0) == size);
  CHECK(read(want).empty());
  CHECK(want == Want::failed);
  CHECK(client->failure().reason == "TLS: a record was changed on its way");
}

}  // namespace
}  // namespace edgepost::tls
