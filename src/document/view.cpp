#include "document/view.hpp"

#include <algorithm>
#include <optional>

#include "document/merge.hpp"
#include "edgepost/status.hpp"
#include "wire/json.hpp"

namespace edgepost::document {
namespace {

// What a field shows; none: it has no value.
struct Show {
  Policy policy;
  const Policies& policies;
  using Text = std::optional<std::string>;

  Text operator()(const Register& field) const {
    if (field.last.value.empty()) return std::nullopt;
    return field.last.value;
  }
  Text operator()(const Siblings& field) const { return shown(field, policy, policies).value; }
  Text operator()(const Maximum& field) const { return field.number; }
  Text operator()(const Minimum& field) const { return field.number; }
  Text operator()(const Counter& field) const {
    std::uint64_t added = 0;  // they wrap like the difference does
    for (const auto& [replica, sums] : field.sums)
      added += sums.added - sums.taken;
    return std::to_string(static_cast<std::int64_t>(added));
  }
  Text operator()(const Set& field) const {
    std::string out;
    for (const auto& [element, dots] : field.elements) {
      out += out.empty() ? '[' : ',';
      wire::append_json_string(element, out);
    }
    return (out.empty() ? "[" : out) + ']';
  }
  Text operator()(const Log& field) const {
    std::string out;
    for (const Write& entry : field.entries) {
      out += out.empty() ? '[' : ',';
      out += entry.value;
    }
    return (out.empty() ? "[" : out) + ']';
  }
};

Conflict::Kind kind_of(Policy policy) {
  switch (policy) {
    case Policy::cloud_first:
    case Policy::device_first:
      return Conflict::Kind::authority;
    case Policy::merge_three:
      return Conflict::Kind::merge_three;
    case Policy::callback:
      return Conflict::Kind::callback;
    default:
      return Conflict::Kind::keep_both;
  }
}

std::optional<Conflict> between(const Register& local, const Register& remote, const State& mine,
                                const State& theirs, Policy /*policy*/, const Policies& /*all*/) {
  const bool is_concurrent =
      !covers(theirs.context, local.last.dot) && !covers(mine.context, remote.last.dot);
  if (!is_concurrent || local.last.value == remote.last.value) return std::nullopt;
  Conflict conflict;
  conflict.is_local = local.last < remote.last;
  conflict.won = conflict.is_local ? remote.last : local.last;
  conflict.lost = conflict.is_local ? local.last : remote.last;
  return conflict;
}

// What of `field` the other side does not know.
Siblings unknown_to(const Context& other, const Siblings& field) {
  Siblings found;
  for (const auto& [dot, write] : field.writes) {
    if (!covers(other, dot)) found.writes.emplace(dot, write);
  }
  return found;
}

std::optional<Conflict> between(const Siblings& local, const Siblings& remote, const State& mine,
                                const State& theirs, Policy policy, const Policies& all) {
  const Siblings ours = unknown_to(theirs.context, local);
  const Siblings others = unknown_to(mine.context, remote);
  if (ours.writes.empty() || others.writes.empty()) return std::nullopt;
  Siblings both = ours;
  both.writes.insert(others.writes.begin(), others.writes.end());
  Conflict conflict;
  conflict.kind = kind_of(policy);
  conflict.won = shown(both, policy, all);
  for (const auto& [dot, write] : both.writes) {
    if (write.value == conflict.won.value) continue;
    if (conflict.lost.value.empty() || conflict.lost < write) conflict.lost = write;
  }
  if (conflict.lost.value.empty()) return std::nullopt;  // all the same
  conflict.is_local = ours.writes.contains(conflict.lost.dot);
  return conflict;
}

/// The fields of `gone` with writes that `context` has not seen.
std::vector<std::string> unseen_fields(const State& gone, const Context& context) {
  std::vector<std::string> names;
  for (const auto& [key, field] : gone.fields) {
    bool is_seen = true;
    if (const auto* one = std::get_if<Register>(&field)) {
      is_seen = covers(context, one->last.dot);
    } else if (const auto* siblings = std::get_if<Siblings>(&field)) {
      is_seen = unknown_to(context, *siblings).writes.empty();
    } else if (const auto* set = std::get_if<Set>(&field)) {
      for (const auto& [element, dots] : set->elements)
        is_seen = is_seen &&
                  std::ranges::all_of(dots, [&](const Dot& dot) { return covers(context, dot); });
    } else if (const auto* log = std::get_if<Log>(&field)) {
      is_seen = std::ranges::all_of(log->entries,
                                    [&](const Write& entry) { return covers(context, entry.dot); });
    }
    if (!is_seen) names.push_back(key.name);
  }
  return names;
}

}  // namespace

const Write& shown(const Siblings& siblings, Policy policy, const Policies& policies) {
  const bool has_authority = policy == Policy::cloud_first || policy == Policy::device_first;
  const Write* best = nullptr;
  bool is_best_first = false;
  for (const auto& [dot, write] : siblings.writes) {
    const bool is_first =
        has_authority && policies.is_cloud(dot.replica) == (policy == Policy::cloud_first);
    const bool is_better =
        best == nullptr || (is_first != is_best_first ? is_first : *best < write);
    if (!is_better) continue;
    best = &write;
    is_best_first = is_first;
  }
  EDGEPOST_ASSERT(best != nullptr);
  return *best;
}

std::map<std::string, std::string> visible(const State& state, std::string_view document,
                                           const Policies& policies) {
  std::map<std::string, std::string> values;
  if (!state.is_alive()) return values;
  for (const auto& [key, field] : state.fields) {
    const Policy policy = policies.of(document, key.name);
    if (key.type != type_of(policy)) continue;
    if (auto value = std::visit(Show{policy, policies}, field))
      values.emplace(key.name, std::move(*value));
  }
  return values;
}

std::vector<std::string> siblings(const State& state, std::string_view document,
                                  std::string_view field, const Policies& policies) {
  const auto found = state.fields.find({std::string(field), kTypeOf<Siblings>});
  if (found == state.fields.end()) return {};
  const auto& writes = std::get<Siblings>(found->second);
  const Write& first = shown(writes, policies.of(document, field), policies);
  std::vector<std::string> values{first.value};
  for (const auto& [dot, write] : writes.writes) {
    if (std::ranges::find(values, write.value) == values.end()) values.push_back(write.value);
  }
  return values;
}

std::vector<Conflict> find_conflicts(const State& local, const State& remote,
                                     std::string_view document, const Policies& policies) {
  std::vector<Conflict> conflicts;
  if (local.generation != remote.generation) {
    const bool is_local = local.generation < remote.generation;
    const State& gone = is_local ? local : remote;
    const State& stays = is_local ? remote : local;
    std::vector<std::string> lost = unseen_fields(gone, stays.context);
    if (!lost.empty()) {
      conflicts.push_back(
          {.kind = Conflict::Kind::delete_wins, .fields = std::move(lost), .is_local = is_local});
    }
    return conflicts;
  }
  for (const auto& [key, field] : local.fields) {
    const auto other = remote.fields.find(key);
    if (other == remote.fields.end()) continue;
    const Policy policy = policies.of(document, key.name);
    std::optional<Conflict> conflict;
    if (const auto* one = std::get_if<Register>(&field))
      conflict = between(*one, std::get<Register>(other->second), local, remote, policy, policies);
    if (const auto* several = std::get_if<Siblings>(&field))
      conflict =
          between(*several, std::get<Siblings>(other->second), local, remote, policy, policies);
    if (!conflict) continue;
    conflict->field = key.name;
    if (conflict->kind != Conflict::Kind::last_writer &&
        conflict->kind != Conflict::Kind::authority)
      conflict->values = siblings(merge(local, remote), document, key.name, policies);
    conflicts.push_back(std::move(*conflict));
  }
  return conflicts;
}

}  // namespace edgepost::document
