#pragma once

#include <string>
#include <string_view>

#include "edgepost/https.hpp"
#include "edgepost/time.hpp"
#include "edgepost/transport.hpp"
#include "transport/https/message.hpp"

namespace edgepost::https {

/// An access token and how long it is good for.
struct Token {
  std::string value{};
  Duration good_for = std::chrono::hours(1);  ///< As long as is assumed where nothing is said.
};

/// The request for a token (RFC 6749, section 4.4.2), without target.
Request token_request(const OAuth2Auth& options, std::string_view client_secret);

/// What the answer to it says: a token (RFC 6749, section 5.1), or why there is none; that never
/// repeats what the server wrote, but for the code of an error.
struct TokenReply {
  Token token{};
  Answer failure{};  ///< Its meaning is acknowledged when there is a token.
};
TokenReply read_token_reply(const Reply& reply, Timestamp wall);

}  // namespace edgepost::https
