#include "support/http_server.hpp"

#include <doctest.h>
#include <httplib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "support/loopback.hpp"

namespace edgepost::test {
namespace {

bool is_same(const std::string& a, const std::string& b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

HttpRequest translate(const httplib::Request& from) {
  HttpRequest request{from.method, from.target, {}, from.body};
  for (const auto& [name, value] : from.headers)
    request.headers.push_back({name, value});
  return request;
}

/// Reads up to and including the blank line; nothing when the connection ends first.
std::string read_head(int connection) {
  std::string head;
  char byte = '\0';
  while (!head.ends_with("\r\n\r\n")) {
    if (recv(connection, &byte, 1, 0) != 1) return {};
    head.push_back(byte);
  }
  return head;
}

HttpRequest parse_head(const std::string& head) {
  HttpRequest request;
  std::size_t at = head.find("\r\n");
  const std::size_t space = head.find(' ');
  request.method = head.substr(0, space);
  request.target = head.substr(space + 1, head.find(' ', space + 1) - space - 1);
  for (std::size_t end = 0; (end = head.find("\r\n", at + 2)) > at + 2; at = end) {
    const std::size_t colon = head.find(": ", at);
    request.headers.push_back(
        {head.substr(at + 2, colon - at - 2), head.substr(colon + 2, end - colon - 2)});
  }
  return request;
}

}  // namespace

std::string HttpRequest::header(const std::string& name) const {
  for (const HttpHeader& each : headers) {
    if (is_same(each.name, name)) return each.value;
  }
  return {};
}

std::size_t HttpRequest::count(const std::string& name) const {
  return static_cast<std::size_t>(std::count_if(
      headers.begin(), headers.end(), [&](const HttpHeader& h) { return is_same(h.name, name); }));
}

void HttpJournal::add(HttpRequest request) {
  const std::lock_guard lock(mutex_);
  requests_.push_back(std::move(request));
}

std::vector<HttpRequest> HttpJournal::requests() {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void HttpJournal::take(const HttpRequest& request) {
  const std::lock_guard lock(mutex_);
  if (const std::string id = request.header("ce-id"); !id.empty()) ids_.push_back(id);
  constexpr std::string_view kMember = "\"id\":\"";
  for (std::size_t at = 0; (at = request.body.find(kMember, at)) != std::string::npos;) {
    at += kMember.size();
    ids_.push_back(request.body.substr(at, request.body.find('"', at) - at));
  }
}

std::vector<std::string> HttpJournal::ids() {
  const std::lock_guard lock(mutex_);
  return ids_;
}

struct HttpServer::Library {
  httplib::Server server;
  int port = 0;
};

HttpServer::HttpServer(Script script)
    : script_(std::move(script)), library_(std::make_unique<Library>()) {
  const auto handler = [this](const httplib::Request& from, httplib::Response& to) {
    HttpRequest request = translate(from);
    journal_.add(request);
    const HttpResponse response = script_(request);
    std::this_thread::sleep_for(response.delay);
    if (response.status / 100 == 2) journal_.take(request);
    to.status = response.status;
    for (const HttpHeader& header : response.headers)
      to.set_header(header.name, header.value);
    to.body = response.body;
    if (!response.content_type.empty()) to.set_header("Content-Type", response.content_type);
  };
  httplib::Server& server = library_->server;
  server.set_keep_alive_max_count(1'000'000);
  server.set_tcp_nodelay(true);
  for (const char* any : {".*"}) {
    server.Post(any, handler).Put(any, handler).Patch(any, handler).Get(any, handler);
  }
  library_->port = server.bind_to_any_port("127.0.0.1");
  REQUIRE(library_->port > 0);
  thread_ = std::thread([this] { library_->server.listen_after_bind(); });
  server.wait_until_ready();
}

HttpServer::~HttpServer() {
  library_->server.stop();
  thread_.join();
}

int HttpServer::port() const { return library_->port; }

std::string HttpServer::url(const std::string& path) const {
  return "http://127.0.0.1:" + std::to_string(library_->port) + path;
}

RawHttpServer::RawHttpServer(Script script, bool reads_body)
    : script_(std::move(script)), reads_body_(reads_body), listener_(listen_on_loopback(8, port_)) {
  thread_ = std::thread([this] { serve(); });
}

RawHttpServer::~RawHttpServer() {
  stops_ = true;
  shutdown(listener_, SHUT_RDWR);
  shutdown(connection_, SHUT_RDWR);
  thread_.join();
  close(listener_);
}

std::string RawHttpServer::url(const std::string& path) const {
  return "http://127.0.0.1:" + std::to_string(port_) + path;
}

void RawHttpServer::serve() {
  for (int number = 1; !stops_; ++number) {
    connection_ = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    while (!stops_ && serve_request(connection_, number)) {
    }
    close(connection_.exchange(-1));
  }
}

bool RawHttpServer::serve_request(int connection, int number) {
  const std::string head = read_head(connection);
  if (head.empty()) return false;
  HttpRequest request = parse_head(head);
  if (reads_body_) {
    request.body.resize(
        static_cast<std::size_t>(std::atol(("0" + request.header("Content-Length")).c_str())));
    // Asked for nothing, recv would wait for a byte.
    if (!request.body.empty()) {
      recv(connection, request.body.data(), request.body.size(), MSG_WAITALL);
    }
  }
  journal_.add(request);
  const Reply reply = script_(request, number);
  send(connection, reply.bytes.data(), reply.bytes.size(), MSG_NOSIGNAL);
  if (reply.then == Then::reset) {
    const linger at_once{1, 0};
    setsockopt(connection, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  }
  if (reply.then == Then::hang) {
    char byte = '\0';
    while (recv(connection, &byte, 1, 0) > 0) {
    }
  }
  return reply.then == Then::go_on;
}

}  // namespace edgepost::test
