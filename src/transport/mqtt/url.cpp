#include "transport/mqtt/url.hpp"

#include <sys/un.h>

#include <charconv>

namespace edgepost::mqtt {
namespace {

constexpr std::string_view kTcpScheme = "mqtt://";
constexpr std::string_view kTlsScheme = "mqtts://";
constexpr std::string_view kUnixScheme = "mqtt+unix:";
constexpr std::uint16_t kPort = 1883;
constexpr std::uint16_t kTlsPort = 8883;
constexpr std::size_t kPathBytesMax = sizeof(sockaddr_un::sun_path) - 1;

constexpr std::string_view kNameCharacters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
// Of IPv6: the zone behind a `%` is a name.
constexpr std::string_view kAddressCharacters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:%";

Status malformed(std::size_t position, std::string_view what) {
  return {Code::invalid_argument,
          "url: byte " + std::to_string(position) + ": " + std::string(what)};
}

Result<BrokerAddress> parse_path(std::string_view url) {
  const std::string_view path = url.substr(kUnixScheme.size());
  if (!path.starts_with('/')) return malformed(kUnixScheme.size(), "expected an absolute path");
  if (path.size() > kPathBytesMax) {
    return malformed(kUnixScheme.size(), "the path is longer than a socket's may be (" +
                                             std::to_string(kPathBytesMax) + " bytes)");
  }
  if (const std::size_t nul = url.find('\0'); nul != std::string_view::npos) {
    return malformed(nul, "NUL in the path");
  }
  return BrokerAddress{std::string(path), 0};
}

/// Reads what follows the host: nothing, `:port`, and one slash at the end. `port` is the default.
Result<std::uint16_t> parse_port(std::string_view url, std::size_t at, std::uint16_t port) {
  const char* const end = url.data() + url.size();
  if (at < url.size() && url[at] == ':') {
    const auto [stop, error] = std::from_chars(url.data() + at + 1, end, port);
    if (error != std::errc() || port == 0) {
      return malformed(at + 1, "expected a port from 1 to 65535");
    }
    at = static_cast<std::size_t>(stop - url.data());
  }
  if (url.substr(at) == "/") ++at;
  if (at < url.size()) return malformed(at, "nothing may follow host and port");
  return port;
}

Result<BrokerAddress> parse_authority(std::string_view url, bool is_tls) {
  std::size_t begin = is_tls ? kTlsScheme.size() : kTcpScheme.size();
  if (const std::size_t at = url.find('@', begin); at != std::string_view::npos) {
    return malformed(at, "user name and password are options of their own, not part of the url");
  }
  const bool is_bracketed = begin < url.size() && url[begin] == '[';
  if (is_bracketed) ++begin;
  std::size_t end =
      url.find_first_not_of(is_bracketed ? kAddressCharacters : kNameCharacters, begin);
  if (end == std::string_view::npos) end = url.size();
  const std::string_view host = url.substr(begin, end - begin);
  if (host.empty()) return malformed(begin, "expected a host");
  if (is_bracketed &&
      (host.find(':') == std::string_view::npos || !url.substr(end).starts_with(']'))) {
    return malformed(end, "expected an IPv6 address and ']'");
  }
  const Result<std::uint16_t> port =
      parse_port(url, is_bracketed ? end + 1 : end, is_tls ? kTlsPort : kPort);
  if (!port) return port.status();
  return BrokerAddress{std::string(host), port.value(), is_tls};
}

}  // namespace

std::string BrokerAddress::to_string() const {
  if (port == 0) return std::string(kUnixScheme) + host;
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return std::string(is_tls ? kTlsScheme : kTcpScheme) + (is_ipv6 ? "[" + host + "]" : host) + ":" +
         std::to_string(port);
}

Result<BrokerAddress> parse_broker_url(std::string_view url) {
  if (url.starts_with(kTlsScheme)) return parse_authority(url, true);
  if (url.starts_with(kTcpScheme)) return parse_authority(url, false);
  if (url.starts_with(kUnixScheme)) return parse_path(url);
  return malformed(0, "expected mqtts://host[:port], mqtt://host[:port] or mqtt+unix:/path");
}

}  // namespace edgepost::mqtt
