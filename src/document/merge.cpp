#include "document/merge.hpp"

#include <algorithm>
#include <iterator>

#include "document/value.hpp"

namespace edgepost::document {
namespace {

// Both sides of a field, and what each side's replica has seen.
struct Sides {
  const Context& left;
  const Context& right;
};

// What both have stays; what one has stays unless the other has seen it and dropped it.
std::vector<Dot> merge_dots(const std::vector<Dot>& left, const std::vector<Dot>& right,
                            const Sides& seen) {
  std::vector<Dot> all;
  std::set_union(left.begin(), left.end(), right.begin(), right.end(), std::back_inserter(all));
  std::erase_if(all, [&](const Dot& dot) {
    const bool in_left = std::binary_search(left.begin(), left.end(), dot);
    const bool in_right = std::binary_search(right.begin(), right.end(), dot);
    return (!in_left && covers(seen.left, dot)) || (!in_right && covers(seen.right, dot));
  });
  return all;
}

Register merge_type(const Register& left, const Register& right, const Sides& /*seen*/) {
  return {std::max(left.last, right.last)};
}

Siblings merge_type(const Siblings& left, const Siblings& right, const Sides& seen) {
  Siblings merged;
  for (const auto& [dot, write] : left.writes) {
    const auto other = right.writes.find(dot);
    if (other != right.writes.end()) {
      merged.writes[dot] = std::max(write, other->second);
    } else if (!covers(seen.right, dot)) {
      merged.writes[dot] = write;
    }
  }
  for (const auto& [dot, write] : right.writes) {
    if (!left.writes.contains(dot) && !covers(seen.left, dot)) merged.writes[dot] = write;
  }
  return merged;
}

template <typename Kind>
Kind merge_extreme(const Kind& left, const Kind& right, int sign) {
  if (left.epoch != right.epoch) return left.epoch > right.epoch ? left : right;
  return sign * compare_numbers(left.number, right.number) >= 0 ? left : right;
}

Maximum merge_type(const Maximum& left, const Maximum& right, const Sides& /*seen*/) {
  return merge_extreme(left, right, 1);
}

Minimum merge_type(const Minimum& left, const Minimum& right, const Sides& /*seen*/) {
  return merge_extreme(left, right, -1);
}

Counter merge_type(const Counter& left, const Counter& right, const Sides& /*seen*/) {
  if (left.epoch != right.epoch) return left.epoch > right.epoch ? left : right;
  Counter merged = left;
  for (const auto& [replica, sums] : right.sums) {
    Counter::Sums& own = merged.sums[replica];
    own = {std::max(own.added, sums.added), std::max(own.taken, sums.taken)};
  }
  return merged;
}

Set merge_type(const Set& left, const Set& right, const Sides& seen) {
  Set merged;
  const auto dots_of = [](const Set& set, const std::string& element) {
    const auto found = set.elements.find(element);
    return found == set.elements.end() ? std::vector<Dot>() : found->second;
  };
  for (const Set* side : {&left, &right}) {
    for (const auto& [element, dots] : side->elements) {
      if (merged.elements.contains(element)) continue;
      std::vector<Dot> kept = merge_dots(dots_of(left, element), dots_of(right, element), seen);
      if (!kept.empty()) merged.elements.emplace(element, std::move(kept));
    }
  }
  return merged;
}

Log merge_type(const Log& left, const Log& right, const Sides& /*seen*/) {
  Log merged;
  std::set_union(left.entries.begin(), left.entries.end(), right.entries.begin(),
                 right.entries.end(), std::back_inserter(merged.entries));
  if (merged.entries.size() > kLogEntriesMax)
    merged.entries.erase(merged.entries.begin(),
                         merged.entries.end() - std::ptrdiff_t{kLogEntriesMax});
  return merged;
}

// A field that one side does not have is one that it has as empty.
Field merge_field(const Field* left, const Field* right, const Sides& seen) {
  return std::visit(
      [&](const auto& present) -> Field {
        using Kind = std::decay_t<decltype(present)>;
        if constexpr (std::is_same_v<Kind, Siblings> || std::is_same_v<Kind, Set>) {
          static const Kind kNone;
          return merge_type(left != nullptr ? std::get<Kind>(*left) : kNone,
                            right != nullptr ? std::get<Kind>(*right) : kNone, seen);
        } else {
          if (left == nullptr || right == nullptr) return present;
          return merge_type(std::get<Kind>(*left), std::get<Kind>(*right), seen);
        }
      },
      left != nullptr ? *left : *right);
}

}  // namespace

State merge(const State& left, const State& right) {
  State merged;
  merged.context = left.context;
  for (const auto& [replica, sequence] : right.context) {
    std::uint64_t& seen = merged.context[replica];
    seen = std::max(seen, sequence);
  }
  if (left.generation != right.generation) {
    const State& newer = left.generation > right.generation ? left : right;
    merged.generation = newer.generation;
    merged.fields = newer.fields;
    return merged;
  }
  merged.generation = left.generation;
  const Sides seen{left.context, right.context};
  const auto add = [&](const FieldKey& key, const Field* mine, const Field* theirs) {
    Field field = merge_field(mine, theirs, seen);
    if (!is_vacant(field)) merged.fields.emplace(key, std::move(field));
  };
  for (const auto& [key, field] : left.fields) {
    const auto other = right.fields.find(key);
    add(key, &field, other == right.fields.end() ? nullptr : &other->second);
  }
  for (const auto& [key, field] : right.fields) {
    if (!left.fields.contains(key)) add(key, nullptr, &field);
  }
  return merged;
}

bool includes(const State& whole, const State& part) { return merge(whole, part) == whole; }

}  // namespace edgepost::document
