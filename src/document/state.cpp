#include "document/state.hpp"

#include <utility>

namespace edgepost::document {
namespace {

template <std::size_t... Types>
Field make_one_of(std::size_t type, std::index_sequence<Types...> /*all*/) {
  Field field;
  static_cast<void>(((type == Types && (field.emplace<Types>(), true)) || ...));
  return field;
}

}  // namespace

Field make_field(std::size_t type) {
  return make_one_of(type, std::make_index_sequence<std::variant_size_v<Field>>());
}

bool is_vacant(const Field& field) {
  if (const auto* siblings = std::get_if<Siblings>(&field)) return siblings->writes.empty();
  if (const auto* set = std::get_if<Set>(&field)) return set->elements.empty();
  return false;
}

}  // namespace edgepost::document
