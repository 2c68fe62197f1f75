#pragma once

#include <string>
#include <utility>

#include "edgepost/status.hpp"
#include "platform/descriptor.hpp"

namespace edgepost::tls {

/// A unix-domain listener in a directory of its own that only this user can enter, below
/// XDG_RUNTIME_DIR or /tmp. Both are removed at the end.
class Listener {
 public:
  /// Errors: io_error (directory, descriptors).
  static Result<Listener> make();

  Listener(Listener&& other) noexcept
      : directory_(std::exchange(other.directory_, {})),
        path_(std::move(other.path_)),
        socket_(std::move(other.socket_)) {}
  Listener& operator=(Listener&& other) = delete;
  ~Listener();

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] int number() const { return socket_.number(); }

  /// The next connection, non-blocking; one of another user is turned away. None: not open.
  Descriptor accept();

 private:
  explicit Listener(std::string directory)
      : directory_(std::move(directory)), path_(directory_ + "/s") {}
  Status listen();

  std::string directory_;
  std::string path_;
  Descriptor socket_;
};

}  // namespace edgepost::tls
