// `edgepost sync` over TLS and HTTPS.
#include <doctest.h>

#include <atomic>

#include "support/edgepost_command.hpp"
#include "support/http_server.hpp"
#include "support/mosquitto.hpp"
#include "support/pki.hpp"

namespace edgepost::test {
namespace {

/// A broker that asks for certificates of `root`, and one for 127.0.0.1 of its own.
struct Secure : EdgepostCommand {
  Secure() {
    pki.make_authority("root");
    pki.make_authority("other");
    pki.make("server", {.issuer = "root", .names = "IP:127.0.0.1"});
    pki.make("client", {.issuer = "root", .names = "DNS:gw-1"});
  }

  [[nodiscard]] std::string listener() const {
    return "listener " + std::to_string(port) + " 127.0.0.1\nrequire_certificate true\ncertfile " +
           pki.certificate("server") + "\nkeyfile " + pki.key("server") + "\ncafile " +
           pki.certificate("root") + "\n";
  }
  [[nodiscard]] Outcome sync(const std::string& ca, const Words& more = {}) const {
    Words all{"--to",
              "mqtts://127.0.0.1:" + std::to_string(port),
              "--ca",
              pki.certificate(ca),
              "--cert",
              pki.certificate("client"),
              "--key",
              pki.key("client"),
              "--until-empty",
              "--timeout",
              "10s"};
    all.insert(all.end(), more.begin(), more.end());
    return run("sync", all);
  }

  Pki pki;
  int port = free_port();
};

TEST_CASE_FIXTURE(Secure, "sync: over TLS only to a server that is verified [P-60]") {
  publish("1\n2\n");
  const Mosquitto broker(listener());
  const Outcome wrong_root = sync("other");
  CHECK(wrong_root.code != 0);
  const Outcome wrong_name = sync("root", {"--server-name", "other.example"});
  CHECK(wrong_name.code == 1);
  CHECK(number_in(run("status", {"--json"}).out, "pending") == 2);
  const Outcome right = sync("root", {"--pin", pki.pin("server")});
  INFO(right.err);
  CHECK(right.code == 0);
  CHECK(right.out == "acknowledged 2 events, sent 2, lag 0\n");
}

TEST_CASE_FIXTURE(Secure, "sync: a pre-shared key of any bytes opens a broker [P-60]") {
  publish("1\n");
  const std::string good = "gw-1:f100112233445566778899aabbccddee";
  write_file(dir.file("psk"), good + "\n");
  const Mosquitto broker("listener " + std::to_string(port) + " 127.0.0.1\npsk_hint x\npsk_file " +
                         dir.file("psk") + "\n");
  const auto sync_with = [&](const Words& key) {
    Words all{"--to", "mqtts://localhost:" + std::to_string(port), "--until-empty", "--timeout",
              "10s"};
    all.insert(all.end(), key.begin(), key.end());
    return run("sync", all);
  };
  const Outcome wrong = sync_with({"--psk", "gw-1:f1001122334455667788990000000000"});
  CHECK(wrong.code == 1);
  CHECK(wrong.err.find("another pre-shared key") != std::string::npos);
  CHECK(wrong.err.find("f100") == std::string::npos);
  CHECK(sync_with({"--psk", "gw-1:00"}).err.find("option --psk: ") != std::string::npos);
  for (const Words& key : {Words{"--psk", good}, Words{"--psk-file", dir.file("psk")}}) {
    const Outcome right = sync_with(key);
    INFO(right.err);
    CHECK(right.code == 0);
    publish("2\n");
  }
}

TEST_CASE_FIXTURE(Secure,
                  "sync: batches go to a web server, with a token that nobody is shown [P-61]") {
  publish("1\n2\n3\n");
  write_file(dir.file("token"), "canary-token\n");
  HttpServer server([](const HttpRequest& request) {
    return HttpResponse{.status =
                            request.header("Authorization") == "Bearer canary-token" ? 204 : 401};
  });
  const Words to{"--to",    server.url(), "--insecure", "--until-empty",
                 "--audit", "--timeout",  "10s"};
  Words with_token = to;
  with_token.insert(with_token.end(), {"--token-file", dir.file("token")});
  const Outcome outcome = run("sync", with_token);
  INFO(outcome.err);
  CHECK(outcome.code == 0);
  CHECK(outcome.out == "acknowledged 3 events, sent 3, lag 0\n");
  CHECK(server.ids().size() == 3);
  CHECK((outcome.out + outcome.err).find("canary") == std::string::npos);
  publish("4\n");
  const Outcome refused = run("sync", to);
  CHECK(refused.code == 1);
  CHECK(refused.err.find("401") != std::string::npos);
  CHECK(run("sync", {"--to", server.url(), "--until-empty"}).code == 2);  // without --insecure
}

TEST_CASE_FIXTURE(Secure, "sync: a token is fetched, and another one when it is refused [P-61]") {
  publish("1\n2\n");
  write_file(dir.file("secret"), "canary-secret\n");
  std::atomic<int> tokens{0};
  HttpServer server([&tokens](const HttpRequest& request) -> HttpResponse {
    const std::string proof = request.header("Authorization");
    if (request.target != "/token") return {.status = proof == "Bearer canary-2" ? 204 : 401};
    return {.status = proof == "Basic Z3ctMTpjYW5hcnktc2VjcmV0" ? 200 : 401,
            .body = R"({"token_type":"Bearer","access_token":"canary-)" + std::to_string(++tokens) +
                    "\"}",
            .content_type = "application/json"};
  });
  write_file(dir.file("oauth2"), R"({"client_id": "gw-1", "client_secret_file": ")" +
                                     dir.file("secret") + R"(", "token_url": ")" +
                                     server.url("/token") + "\"}");
  const Outcome outcome =
      run("sync", {"--to", server.url(), "--insecure", "--until-empty", "--audit", "--timeout",
                   "10s", "--oauth2", dir.file("oauth2")});
  INFO(outcome.err);
  CHECK(outcome.code == 0);
  CHECK(tokens == 2);
  CHECK(server.ids().size() == 2);
  CHECK((outcome.out + outcome.err).find("canary") == std::string::npos);
}

TEST_CASE_FIXTURE(Secure,
                  "sync: a slow service is waited for as long as --trip-after says [P-32]") {
  publish("1\n");
  HttpServer server([](const HttpRequest&) {
    return HttpResponse{.status = 204, .delay = std::chrono::seconds(2)};
  });
  const auto sync_for = [&](const std::string& patience) {
    return run("sync", {"--to", server.url(), "--insecure", "--until-empty", "--timeout", "5s",
                        "--trip-after", patience});
  };
  CHECK(sync_for("1s").err.find("no answer for 1 s") != std::string::npos);
  CHECK(sync_for("4s").code == 0);
}

TEST_CASE_FIXTURE(Secure, "sync: the bytes of a day last across runs") {
  std::string lines;
  for (int i = 0; i < 500; ++i)
    lines += std::to_string(i) + "\n";
  publish(lines);
  HttpServer server([](const HttpRequest&) { return HttpResponse{.status = 204}; });
  const Words words{"--to",      server.url(), "--insecure",      "--until-empty",
                    "--timeout", "1s",         "--bytes-per-day", "32KiB"};
  const Outcome first = run("sync", words);
  CHECK(first.code == 1);
  CHECK(first.err.find("the bytes of this day or month are used up") != std::string::npos);
  const std::size_t sent = server.ids().size();
  CHECK(sent > 0);
  CHECK(sent < 250);
  CHECK(run("sync", words).code == 1);
  CHECK(server.ids().size() == sent);
}

}  // namespace
}  // namespace edgepost::test
