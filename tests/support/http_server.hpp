#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "edgepost/https.hpp"

namespace edgepost::test {

/// A request as a server saw it.
struct HttpRequest {
  std::string method;
  std::string target;  ///< Path and query.
  std::vector<HttpHeader> headers;
  std::string body;

  /// The value of a header, or nothing.
  [[nodiscard]] std::string header(const std::string& name) const;
  /// How many headers of that name there are.
  [[nodiscard]] std::size_t count(const std::string& name) const;
};

/// What a server answers.
struct HttpResponse {
  int status = 200;
  std::string body{};
  std::string content_type{};  ///< Empty: none.
  std::vector<HttpHeader> headers{};
  std::chrono::milliseconds delay{0};  ///< Before it answers.
};

/// Keeps what a server of the tests saw.
class HttpJournal {
 public:
  void add(HttpRequest request);
  [[nodiscard]] std::vector<HttpRequest> requests();
  /// The `id` of each CloudEvent that came in a request that was answered with 2xx, in order.
  void take(const HttpRequest& request);
  [[nodiscard]] std::vector<std::string> ids();

 private:
  std::mutex mutex_;
  std::vector<HttpRequest> requests_;
  std::vector<std::string> ids_;
};

/// cpp-httplib's server on a free loopback port; a script answers.
class HttpServer {
 public:
  /// Called on the server's threads.
  using Script = std::function<HttpResponse(const HttpRequest& request)>;

  explicit HttpServer(Script script);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  [[nodiscard]] int port() const;
  [[nodiscard]] std::string url(const std::string& path = "/events") const;
  [[nodiscard]] std::vector<HttpRequest> requests() { return journal_.requests(); }
  /// The ids of the events that were answered with 2xx, in order, repeats included.
  [[nodiscard]] std::vector<std::string> ids() { return journal_.ids(); }

 private:
  struct Library;
  Script script_;
  HttpJournal journal_;
  std::unique_ptr<Library> library_;
  std::thread thread_;
};

/// A server that sends whatever bytes a script says, one connection at a time.
class RawHttpServer {
 public:
  enum class Then : unsigned char {
    go_on,  ///< The next request may come on this connection.
    close,  ///< An orderly end.
    reset,  ///< RST.
    hang,   ///< Say nothing more until the other side goes.
  };
  struct Reply {
    std::string bytes;
    Then then = Then::go_on;
  };
  /// `connection` counts from 1. Called on the server's thread.
  using Script = std::function<Reply(const HttpRequest& request, int connection)>;

  /// `reads_body`: whether the body is read before the script is asked.
  explicit RawHttpServer(Script script, bool reads_body = true);
  ~RawHttpServer();
  RawHttpServer(const RawHttpServer&) = delete;
  RawHttpServer& operator=(const RawHttpServer&) = delete;

  [[nodiscard]] std::string url(const std::string& path = "/events") const;
  [[nodiscard]] std::vector<HttpRequest> requests() { return journal_.requests(); }

 private:
  void serve();
  bool serve_request(int connection, int number);

  const Script script_;
  const bool reads_body_;
  int port_ = 0;
  int listener_ = -1;
  std::atomic<int> connection_{-1};
  std::atomic<bool> stops_{false};
  HttpJournal journal_;
  std::thread thread_;
};

}  // namespace edgepost::test
