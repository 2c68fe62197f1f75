#include "cli/notify.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>

namespace edgepost::cli {
namespace {

std::string_view variable(const Environment& environment, const char* name) {
  const char* const value = environment(name);
  return value == nullptr ? "" : value;
}

/// A datagram socket that speaks to `name` only; -1 when there is none.
int connect_to(std::string_view name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const bool is_abstract = name.starts_with('@');
  if (name.size() < 2 || name.size() >= sizeof(address.sun_path)) return -1;
  if (!is_abstract && !name.starts_with('/')) return -1;
  std::ranges::copy(name, address.sun_path);
  if (is_abstract) address.sun_path[0] = '\0';
  const int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  if (connect(descriptor, reinterpret_cast<const sockaddr*>(&address), size) == 0) {
    return descriptor;
  }
  close(descriptor);
  return -1;
}

}  // namespace

Notifier::Notifier(const Environment& environment)
    : descriptor_(connect_to(variable(environment, "NOTIFY_SOCKET"))) {
  constexpr std::uint64_t kDay = std::uint64_t{24} * 3600 * 1'000'000;
  const std::string_view pid = variable(environment, "WATCHDOG_PID");
  const auto period = parse_count(variable(environment, "WATCHDOG_USEC"), 1, kDay);
  const bool is_meant = pid.empty() || pid == std::to_string(getpid());
  if (!is_on() || !period || !is_meant) return;
  watchdog_ = std::chrono::microseconds(static_cast<std::int64_t>(*period)) / 2;
}

Notifier::~Notifier() {
  if (is_on()) close(descriptor_);
}

void Notifier::tell(std::string_view lines) const {
  if (!is_on()) return;
  // A manager that is gone must not end us; there is nobody else to tell.
  [[maybe_unused]] const ssize_t sent =
      send(descriptor_, lines.data(), lines.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace edgepost::cli
