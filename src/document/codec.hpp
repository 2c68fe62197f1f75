#pragma once

#include <string>
#include <string_view>

#include "document/state.hpp"
#include "edgepost/status.hpp"

namespace edgepost::document {

constexpr std::size_t kDocumentBytesMax = 32 * 1024;

/// A document as it travels: docs/wire.md, "Documents".
struct Message {
  std::string key{};
  State state{};
};

/// Appends the state as JSON, the same bytes for the same state.
void append_state(std::string_view key, const State& state, std::string& out);

/// Reads what append_state() wrote, or what somebody else did. Nothing that breaks a rule comes
/// through: unknown or missing members, names that repeat, limits, writes that the context has not
/// seen, times after 2099.
/// Errors: invalid_argument, naming member and rule; unsupported: made by a newer version.
Result<Message> read_state(std::string_view json);

}  // namespace edgepost::document
