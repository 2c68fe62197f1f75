#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "edgepost/https.hpp"
#include "edgepost/status.hpp"

namespace edgepost::https {

/// ASCII without case, as header names and media types are compared.
inline bool equals_ignoring_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

/// What is wrong with an option.
inline Status invalid(std::string_view option, std::string_view what) {
  return {Code::invalid_argument, std::string(option).append(": ").append(what)};
}

/// What goes out.
struct Request {
  std::string method = "POST";
  std::string target;  ///< Path and query.
  std::vector<HttpHeader> headers{};
  std::string body{};
  bool is_stream = false;  ///< A 200 of text/event-stream is handed over while it comes in.
};

/// What came in.
struct Reply {
  int status = 0;  ///< 0: no answer.
  std::vector<HttpHeader> headers{};
  std::string body{};
  bool is_whole = false;  ///< The body is all there.
  bool was_sent = false;  ///< The request had left before the answer came.

  /// The value of the first header of this name; empty: there is none.
  [[nodiscard]] std::string_view header(std::string_view name) const {
    for (const HttpHeader& each : headers) {
      if (equals_ignoring_case(each.name, name)) return each.value;
    }
    return {};
  }
};

}  // namespace edgepost::https
