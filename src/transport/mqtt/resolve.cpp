#include "transport/mqtt/resolve.hpp"

#include <netdb.h>
#include <sys/socket.h>

#include <array>
#include <memory>

namespace edgepost::mqtt {
namespace {

// Trying more would only delay the back-off.
constexpr std::size_t kAddressesMax = 8;

}  // namespace

Result<std::vector<std::string>> resolve(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (error != 0) {
    return Status(Code::unavailable, std::string("name look-up: ") + gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, &freeaddrinfo);
  std::vector<std::string> addresses;
  for (; found != nullptr && addresses.size() < kAddressesMax; found = found->ai_next) {
    std::array<char, NI_MAXHOST> text{};
    if (getnameinfo(found->ai_addr, found->ai_addrlen, text.data(), text.size(), nullptr, 0,
                    NI_NUMERICHOST) == 0) {
      addresses.emplace_back(text.data());
    }
  }
  if (addresses.empty()) return Status(Code::unavailable, "name look-up: no address");
  return addresses;
}

}  // namespace edgepost::mqtt
