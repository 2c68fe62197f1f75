#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

namespace edgepost::document {

/// One write: the replica that made it and its number there, from 1.
struct Dot {
  std::string replica{};
  std::uint64_t sequence = 0;

  auto operator<=>(const Dot&) const = default;
};

/// The highest write of each replica that has been seen. States travel whole, so there are no gaps
/// below it.
using Context = std::map<std::string, std::uint64_t>;

/// A hybrid time: 48 bits of milliseconds since 1970, 16 bits that count.
using HybridTime = std::uint64_t;

/// A value somebody wrote, as canonical JSON (see value.hpp); empty: the field was deleted.
struct Write {
  HybridTime time = 0;  ///< First, for it decides who wins: time, replica, sequence, bytes.
  Dot dot{};
  std::string value{};

  auto operator<=>(const Write&) const = default;
};

/// `l`: the last write wins; a deletion is a write.
struct Register {
  Write last{};
  bool operator==(const Register&) const = default;
};

/// `x`: all writes that did not know of each other, by dot. A deletion removes those it has seen.
struct Siblings {
  std::map<Dot, Write> writes{};
  bool operator==(const Siblings&) const = default;
};

/// `M` and `m`: the largest or smallest number since it was reset.
struct Extreme {
  std::uint64_t epoch = 0;
  std::string number{};  ///< Canonical JSON.
  bool operator==(const Extreme&) const = default;
};
struct Maximum : Extreme {};
struct Minimum : Extreme {};

/// `c`: what each replica has added and taken away since it was reset.
struct Counter {
  struct Sums {
    std::uint64_t added = 0;
    std::uint64_t taken = 0;
    bool operator==(const Sums&) const = default;
  };
  std::uint64_t epoch = 0;
  std::map<std::string, Sums> sums{};
  bool operator==(const Counter&) const = default;
};

/// `s`: elements (texts) with the dots that added them. A removal removes those it has
/// seen, so that adding wins.
struct Set {
  std::map<std::string, std::vector<Dot>> elements{};  ///< Dots in order, one or more.
  bool operator==(const Set&) const = default;
};

/// `g`: the newest entries by time, replica and sequence; in that order.
struct Log {
  std::vector<Write> entries{};
  bool operator==(const Log&) const = default;
};

using Field = std::variant<Register, Siblings, Maximum, Minimum, Counter, Set, Log>;

/// The tags of the types, in the order of Field.
inline constexpr std::string_view kTypeTags = "lxMmcsg";
static_assert(kTypeTags.size() == std::variant_size_v<Field>);

/// The place of a type in Field.
template <typename Kind>
inline constexpr std::size_t kTypeOf =
    []<typename... Kinds>(const std::variant<Kinds...>* /*field*/) {
      std::size_t place = 0;
      static_cast<void>(((std::is_same_v<Kind, Kinds> ? false : (++place, true)) && ...));
      return place;
    }(static_cast<const Field*>(nullptr));

/// A field of a type, with nothing in it. Requires: a place in Field.
Field make_field(std::size_t type);

/// True for siblings and sets that have nothing left: as if there were no such field.
bool is_vacant(const Field& field);

/// A field's name with the tag of its type in front: fields of two types never meet.
struct FieldKey {
  std::string name{};
  std::size_t type = 0;  ///< Index in Field.
  auto operator<=>(const FieldKey&) const = default;
};

/// What a replica knows of one document.
struct State {
  std::uint64_t generation = 0;  ///< 0: it never existed; odd: alive; even: deleted.
  Context context{};
  std::map<FieldKey, Field> fields{};

  [[nodiscard]] bool is_alive() const { return generation % 2 == 1; }
  bool operator==(const State&) const = default;
};

/// True when whoever has seen `context` has seen `dot`.
inline bool covers(const Context& context, const Dot& dot) {
  const auto seen = context.find(dot.replica);
  return seen != context.end() && seen->second >= dot.sequence;
}

}  // namespace edgepost::document
