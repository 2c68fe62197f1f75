#include "tls/listener.hpp"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace edgepost::tls {
namespace {

Status failed(const std::string& what, int error) {
  return {Code::io_error, "channel: " + what + ": " + std::generic_category().message(error)};
}

bool is_ours(int socket) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
         peer.uid == ::geteuid();
}

/// Makes a directory of mode 0700 below `parent`; empty when that cannot be, with errno set.
std::string make_directory(const std::string& parent) {
  std::string pattern = parent + "/edgepost-XXXXXX";
  return ::mkdtemp(pattern.data()) == nullptr ? std::string() : pattern;
}

}  // namespace

Result<Listener> Listener::make() {
  const char* const runtime = ::secure_getenv("XDG_RUNTIME_DIR");
  std::string directory;
  // The address of a unix socket has room for about 100 characters.
  constexpr std::size_t kParentMax = 80;
  if (runtime != nullptr && runtime[0] == '/' && std::strlen(runtime) <= kParentMax) {
    directory = make_directory(runtime);
  }
  if (directory.empty()) directory = make_directory("/tmp");
  if (directory.empty()) return failed("a private directory in /tmp", errno);
  Listener listener(std::move(directory));
  if (Status status = listener.listen(); !status.is_ok()) return status;
  return listener;
}

Status Listener::listen() {
  socket_ = Descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket_.is_open()) return failed("socket", errno);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path_.copy(address.sun_path, sizeof(address.sun_path) - 1);
  if (::bind(socket_.number(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      ::listen(socket_.number(), 4) != 0) {
    return failed(path_, errno);
  }
  return {};
}

Listener::~Listener() {
  if (directory_.empty()) return;  // moved from
  ::unlink(path_.c_str());
  ::rmdir(directory_.c_str());
}

Descriptor Listener::accept() {
  Descriptor peer(::accept4(socket_.number(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  return peer.is_open() && is_ours(peer.number()) ? std::move(peer) : Descriptor();
}

}  // namespace edgepost::tls
