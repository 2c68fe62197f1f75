#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "edgepost/transport.hpp"
#include "transport/https/message.hpp"

namespace edgepost::https {

/// What is asked of a request whose answer is judged.
struct Expectation {
  std::vector<std::string> ids{};  ///< Of its events, in order; none: a request for something else.
  /// Dotted path of the member that must be in a 2xx; empty: none.
  std::string response_field{};
};

/// What a reply means.
struct Judgement {
  std::vector<Answer> answers{};  ///< One for each event.
  std::string remote_id{};        ///< What stood in response_field.
};

/// The class that a status has on its own, and the words for it, for a request of one event or of
/// none. 2xx: acknowledged.
Answer judge_status(const Reply& reply, Timestamp wall);

/// Why the body of a 2xx is not what a service answers; empty: it is empty, JSON or plain text.
std::string find_wrong_shape(const Reply& reply);

/// What the reply means for each event. See docs/wire.md for the bodies that are understood.
Judgement judge(const Reply& reply, const Expectation& expected, Timestamp wall);

}  // namespace edgepost::https
