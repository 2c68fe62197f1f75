#include "document/edit.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "document/merge.hpp"
#include "document/value.hpp"

namespace edgepost::document {
namespace {

constexpr std::uint64_t kSumMax = std::numeric_limits<std::int64_t>::max();

Status refuse(Code code, const Edit& edit, std::string_view why) {
  return {code, "field '" + edit.field + "': " + std::string(why)};
}

/// Changes a field of each type; what it cannot do with one is told.
struct Change {
  using Kind = Edit::Kind;

  const Edit& edit;
  const Author& author;

  [[nodiscard]] Status not_this() const {
    return refuse(Code::invalid_argument, edit, "its policy has no such operation");
  }
  [[nodiscard]] Write write() const { return {author.time, author.dot, edit.value}; }

  Status operator()(Register& field) const {
    if (edit.kind != Kind::set && edit.kind != Kind::remove) return not_this();
    field.last = write();
    return {};
  }
  Status operator()(Siblings& field) const {
    if (edit.kind != Kind::set && edit.kind != Kind::remove) return not_this();
    field.writes.clear();
    if (edit.kind == Kind::set) field.writes[author.dot] = write();
    return {};
  }
  Status extreme(Extreme& field, int sign) const {
    if (edit.kind != Kind::raise && edit.kind != Kind::reset && edit.kind != Kind::set)
      return not_this();
    if (!is_number(edit.value)) return refuse(Code::invalid_argument, edit, "a number is wanted");
    const bool is_reset = edit.kind == Kind::reset;
    if (is_reset) ++field.epoch;
    if (is_reset || field.number.empty() || sign * compare_numbers(edit.value, field.number) > 0)
      field.number = edit.value;
    return {};
  }
  Status operator()(Maximum& field) const { return extreme(field, 1); }
  Status operator()(Minimum& field) const { return extreme(field, -1); }
  Status operator()(Counter& field) const {
    if (edit.kind == Kind::reset) {
      ++field.epoch;
      field.sums.clear();
      return {};
    }
    if (edit.kind != Kind::increment) return not_this();
    Counter::Sums& sums = field.sums[author.dot.replica];
    std::uint64_t& sum = edit.amount < 0 ? sums.taken : sums.added;
    // In two steps, for the smallest number has no positive one.
    const std::uint64_t by = edit.amount < 0 ? static_cast<std::uint64_t>(-(edit.amount + 1)) + 1
                                             : static_cast<std::uint64_t>(edit.amount);
    if (by > kSumMax - sum) return refuse(Code::full, edit, "the counter is beyond 64 bits");
    sum += by;
    return {};
  }
  Status operator()(Set& field) const {
    if (edit.kind == Kind::take) {
      field.elements.erase(edit.value);
      return {};
    }
    if (edit.kind != Kind::add) return not_this();
    if (edit.value.size() > kTextBytesMax)
      return refuse(Code::invalid_argument, edit, "an element longer than 8 KiB");
    if (field.elements.size() >= kElementsMax && !field.elements.contains(edit.value))
      return refuse(Code::full, edit, "a set has 256 elements at most");
    field.elements[edit.value] = {author.dot};
    return {};
  }
  Status operator()(Log& field) const {
    if (edit.kind != Kind::append) return not_this();
    field.entries.push_back(write());
    if (field.entries.size() > kLogEntriesMax) field.entries.erase(field.entries.begin());
    return {};
  }
};

HybridTime latest_of(const Field& field) {
  if (const auto* one = std::get_if<Register>(&field)) return one->last.time;
  HybridTime latest = 0;
  if (const auto* siblings = std::get_if<Siblings>(&field)) {
    for (const auto& [dot, write] : siblings->writes)
      latest = std::max(latest, write.time);
  }
  if (const auto* log = std::get_if<Log>(&field); log != nullptr && !log->entries.empty())
    latest = log->entries.back().time;
  return latest;
}

}  // namespace

Status apply(State& state, std::string_view document, const Edit& edit, const Author& author,
             const Policies& policies) {
  if (edit.field.empty() || edit.field.size() > kNameBytesMax)
    return refuse(Code::invalid_argument, edit, "a name of 1 to 128 bytes is wanted");
  const Policy policy = policies.of(document, edit.field);
  const bool is_cloud = policies.is_cloud(author.dot.replica);
  if ((policy == Policy::cloud_owned && !is_cloud) || (policy == Policy::device_owned && is_cloud))
    return refuse(Code::refused, edit, "it belongs to the other side");
  const bool is_known = state.context.contains(author.dot.replica);
  if (!is_known && state.context.size() >= kReplicasMax)
    return {Code::full, "document '" + std::string(document) + "': 32 replicas have written it"};

  const FieldKey key{edit.field, type_of(policy)};
  Field field = make_field(key.type);
  const bool is_alive = state.is_alive();
  if (const auto found = state.fields.find(key); is_alive && found != state.fields.end()) {
    field = found->second;
  } else if (is_alive && state.fields.size() >= kFieldsMax) {
    return refuse(Code::full, edit, "a document has 256 fields at most");
  }
  if (Status status = std::visit(Change{edit, author}, field); !status.is_ok()) return status;
  if (!is_alive) ++state.generation;
  state.context[author.dot.replica] = author.dot.sequence;
  if (is_vacant(field)) {
    state.fields.erase(key);
  } else {
    state.fields[key] = std::move(field);
  }
  return {};
}

void erase(State& state) {
  if (!state.is_alive()) return;
  ++state.generation;
  state.fields.clear();
}

HybridTime latest(const State& state, std::string_view field) {
  HybridTime found = 0;
  for (const auto& [key, held] : state.fields) {
    if (key.name == field) found = std::max(found, latest_of(held));
  }
  return found;
}

}  // namespace edgepost::document
