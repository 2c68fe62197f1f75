#include "transport/https/url.hpp"

#include <charconv>

namespace edgepost::https {
namespace {

constexpr std::string_view kTlsScheme = "https://";
constexpr std::string_view kPlainScheme = "http://";

constexpr std::string_view kNameCharacters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
// Of IPv6: the zone behind a `%` is a name.
constexpr std::string_view kAddressCharacters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:%";
constexpr std::string_view kTargetCharacters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&'()*+,;=:@/?%";

/// Reads one URL from left to right.
class Reader {
 public:
  Reader(std::string_view option, std::string_view text) : option_(option), text_(text) {}

  Result<Url> read() {
    Url url;
    if (text_.starts_with(kTlsScheme)) {
      at_ = kTlsScheme.size();
      url.port = 443;
    } else if (text_.starts_with(kPlainScheme)) {
      at_ = kPlainScheme.size();
      url.is_tls = false;
      url.port = 80;
    } else {
      return malformed(0, "expected https://host[:port]/path");
    }
    if (Status status = host(url); !status.is_ok()) return status;
    if (Status status = port(url); !status.is_ok()) return status;
    if (Status status = target(url); !status.is_ok()) return status;
    return url;
  }

 private:
  Status malformed(std::size_t position, std::string_view what) {
    return {Code::invalid_argument,
            std::string(option_) + ": byte " + std::to_string(position) + ": " + std::string(what)};
  }

  Status host(Url& url) {
    const std::size_t end_of_authority = std::min(text_.find_first_of("/?#", at_), text_.size());
    if (const std::size_t at = text_.find('@', at_); at < end_of_authority) {
      return malformed(at, "user name and password are options of their own, not part of the url");
    }
    const bool is_bracketed = text_.substr(at_).starts_with('[');
    if (is_bracketed) ++at_;
    const std::size_t end =
        std::min(text_.find_first_not_of(is_bracketed ? kAddressCharacters : kNameCharacters, at_),
                 text_.size());
    url.host = text_.substr(at_, end - at_);
    if (url.host.empty()) return malformed(at_, "expected a host");
    at_ = end;
    if (!is_bracketed) return {};
    if (url.host.find(':') == std::string::npos || !text_.substr(at_).starts_with(']')) {
      return malformed(at_, "expected an IPv6 address and ']'");
    }
    ++at_;
    return {};
  }

  Status port(Url& url) {
    if (!text_.substr(at_).starts_with(':')) return {};
    const char* const begin = text_.data() + at_ + 1;
    const auto [stop, error] = std::from_chars(begin, text_.data() + text_.size(), url.port);
    if (error != std::errc() || url.port == 0) {
      return malformed(at_ + 1, "expected a port from 1 to 65535");
    }
    at_ = static_cast<std::size_t>(stop - text_.data());
    return {};
  }

  Status target(Url& url) {
    if (at_ < text_.size() && text_[at_] != '/' && text_[at_] != '?') {
      return malformed(at_, text_[at_] == '#' ? "a fragment is not sent" : "expected a path");
    }
    const std::size_t bad = text_.find_first_not_of(kTargetCharacters, at_);
    if (bad != std::string_view::npos) {
      return malformed(bad, text_[bad] == '#' ? "a fragment is not sent"
                                              : "this character must be percent-encoded");
    }
    const std::size_t mark = std::min(text_.find('?', at_), text_.size());
    if (mark > at_) url.path = text_.substr(at_, mark - at_);
    if (mark < text_.size()) url.query = text_.substr(mark + 1);
    return {};
  }

  std::string_view option_;
  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

std::string Url::authority() const {
  std::string text = host.find(':') == std::string::npos ? host : "[" + host + "]";
  if (port != (is_tls ? 443 : 80)) text += ":" + std::to_string(port);
  return text;
}

std::string Url::to_string() const {
  return std::string(is_tls ? kTlsScheme : kPlainScheme) + authority() + path;
}

Result<Url> parse_url(std::string_view option, std::string_view text) {
  return Reader(option, text).read();
}

}  // namespace edgepost::https
