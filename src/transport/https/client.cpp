#include "transport/https/client.hpp"

#include <httplib.h>
#include <sys/socket.h>

#include <chrono>

namespace edgepost::https {
namespace {

// Who waits how long is decided where the channel is: it hangs up.
constexpr std::chrono::hours kNeverAlone(24);

bool is_event_stream(const httplib::Response& response) {
  const std::string type = response.get_header_value("Content-Type");
  return response.status == 200 &&
         equals_ignoring_case(std::string_view(type).substr(0, 17), "text/event-stream");
}

httplib::Request translate(const Request& request) {
  httplib::Request out;
  out.method = request.method;
  out.path = request.target;
  for (const HttpHeader& header : request.headers)
    out.headers.emplace(header.name, header.value);
  if (!request.body.empty()) {
    // As its `body` the library would copy it.
    out.content_length_ = request.body.size();
    out.content_provider_ = [&request](std::size_t at, std::size_t count, httplib::DataSink& sink) {
      sink.write(request.body.data() + at, count);
      return true;
    };
  }
  return out;
}

}  // namespace

struct Client::Library {
  explicit Library(const std::string& path) : client(path) {}
  httplib::ClientImpl client;
};

Client::Client(const std::string& path) : library_(std::make_unique<Library>(path)) {
  httplib::ClientImpl& client = library_->client;
  client.set_address_family(AF_UNIX);
  client.set_keep_alive(true);
  client.set_path_encode(false);
  client.set_decompress(false);
  client.set_follow_location(false);
  client.set_read_timeout(kNeverAlone);
  client.set_write_timeout(kNeverAlone);
}

Client::~Client() = default;

/// An answer that nobody asked for (a server that tells of its time limit, or lies) would be taken
/// for that of the next request: its connection is given up.
void Client::refuse_leftovers() {
  char byte = 0;
  httplib::ClientImpl& client = library_->client;
  if (client.is_socket_open() != 0 &&
      ::recv(client.socket(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0) {
    client.stop();
  }
}

Client::Outcome Client::exchange(const Request& request, std::size_t bytes_max,
                                 const OnPiece& on_piece) {
  Outcome outcome;
  Reply& reply = outcome.reply;
  bool streams = false;
  httplib::Request out = translate(request);
  out.response_handler = [&](const httplib::Response& response) {
    streams = request.is_stream && is_event_stream(response);
    return true;
  };
  // With a receiver of our own the library does not reserve what Content-Length promises.
  out.content_receiver = [&](const char* data, std::size_t count, std::size_t, std::size_t) {
    if (streams) return on_piece({data, count});
    outcome.is_too_long = reply.body.size() + count > bytes_max;
    if (!outcome.is_too_long) reply.body.append(data, count);
    return !outcome.is_too_long;
  };
  httplib::Response response;
  httplib::Error error = httplib::Error::Success;
  reply.is_whole = library_->client.send(out, response, error);
  reply.was_sent = reply.is_whole || error != httplib::Error::Write;
  if (response.status > 0) reply.status = response.status;
  for (const auto& [name, value] : response.headers)
    reply.headers.push_back({name, value});
  return outcome;
}

void Client::stop() { library_->client.stop(); }

}  // namespace edgepost::https
