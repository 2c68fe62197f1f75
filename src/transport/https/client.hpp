#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "transport/https/message.hpp"

namespace edgepost::https {

/// What cpp-httplib does for us: one request and its answer, keep-alive, over the unix-domain
/// socket of a channel. Nothing else includes it. Threads: exchange() on one, stop() on any.
class Client {
 public:
  /// What became of one exchange.
  struct Outcome {
    Reply reply{};
    bool is_too_long = false;  ///< The answer was longer than was allowed.
  };

  /// Takes a piece of a stream; false ends it.
  using OnPiece = std::function<bool(std::string_view piece)>;

  /// `path` is the socket's.
  explicit Client(const std::string& path);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Gives up the connection that was kept when something waits there that nobody asked for.
  /// Requires: no exchange() is in progress: stop() may close the socket beside one that begins.
  void refuse_leftovers();

  /// Sends `request` and reads the answer, of which `bytes_max` are kept at most. When the request
  /// is a stream and a stream comes, each piece goes to `on_piece` instead.
  /// Blocks: until the socket's other end answers or hangs up, or stop() is called.
  Outcome exchange(const Request& request, std::size_t bytes_max, const OnPiece& on_piece);

  /// Ends an exchange that has its connection.
  void stop();

 private:
  struct Library;
  std::unique_ptr<Library> library_;
};

}  // namespace edgepost::https
