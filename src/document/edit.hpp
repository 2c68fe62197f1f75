#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "document/policy.hpp"
#include "document/state.hpp"
#include "edgepost/status.hpp"

namespace edgepost::document {

constexpr std::size_t kKeyBytesMax = 255;
constexpr std::size_t kNameBytesMax = 128;
constexpr std::size_t kFieldsMax = 256;
constexpr std::size_t kReplicasMax = 32;   ///< In one document's context.
constexpr std::size_t kElementsMax = 256;  ///< In a set.

/// Who writes, and when: a new dot and a time later than everything that the field holds.
struct Author {
  Dot dot{};
  HybridTime time = 0;
};

/// What one field is to become. Values are canonical JSON, elements plain texts.
struct Edit {
  enum class Kind : unsigned char {
    set,        ///< The field has `value`.
    remove,     ///< The field has no value any more.
    increment,  ///< `amount` is added to a counter.
    reset,      ///< A counter begins anew at 0, a maximum or minimum at `value`.
    raise,      ///< A maximum or minimum hears of the number `value`.
    add,        ///< The element `value` is in a set.
    take,       ///< The element `value` is in a set no more.
    append,     ///< `value` is the newest entry of a log.
  };
  Kind kind = Kind::set;
  std::string field{};
  std::string value{};
  std::int64_t amount = 0;
};

/// Carries out one edit; a document that is not alive is created. Nothing is changed on failure.
/// Errors: invalid_argument, naming the field (the policy has another type; no number; too large);
/// full (a limit); refused (the field belongs to the other side).
Status apply(State& state, std::string_view document, const Edit& edit, const Author& author,
             const Policies& policies);

/// Deletes the document with all its fields. Nothing happens to one that is not alive.
void erase(State& state);

/// The latest time in a field, so that a write to it comes after; 0: there is none.
HybridTime latest(const State& state, std::string_view field);

}  // namespace edgepost::document
