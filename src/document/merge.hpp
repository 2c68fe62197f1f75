#pragma once

#include <cstddef>

#include "document/state.hpp"

namespace edgepost::document {

/// Entries that a log keeps. The same everywhere, or replicas would not agree.
constexpr std::size_t kLogEntriesMax = 256;

/// What somebody knows who knows both: commutative, associative, idempotent, and never less than
/// either. The higher generation wins with all its fields; in the same one each field is merged.
State merge(const State& left, const State& right);

/// True when merging `part` into `whole` changes nothing.
bool includes(const State& whole, const State& part);

}  // namespace edgepost::document
