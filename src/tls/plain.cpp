#include "tls/plain.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <system_error>

namespace edgepost::tls {

Want Plain::fail(int error) {
  failure_ = {AnswerClass::link_down,
              "the connection broke: " + std::generic_category().message(error)};
  return Want::failed;
}

Want Plain::write(std::span<const std::byte> bytes, std::size_t& count) {
  count = 0;
  const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0) return errno == EAGAIN || errno == EINTR ? Want::write : fail(errno);
  count = static_cast<std::size_t>(sent);
  counts_.sent += count;
  return Want::nothing;
}

Want Plain::read(std::span<std::byte> room, std::size_t& count) {
  count = 0;
  const ssize_t got = ::recv(socket_, room.data(), room.size(), MSG_DONTWAIT);
  if (got == 0) return Want::closed;
  if (got < 0) return errno == EAGAIN || errno == EINTR ? Want::read : fail(errno);
  count = static_cast<std::size_t>(got);
  counts_.received += count;
  // Less than there was room for is all there is: asking again would only cost a system call.
  return count < room.size() ? Want::read : Want::nothing;
}

}  // namespace edgepost::tls
