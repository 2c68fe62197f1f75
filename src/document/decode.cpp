#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include "document/clock.hpp"
#include "document/codec.hpp"
#include "document/edit.hpp"
#include "document/merge.hpp"
#include "document/value.hpp"
#include "wire/json_reader.hpp"

namespace edgepost::document {
namespace {

constexpr std::size_t kReplicaBytesMax = 64;

using Members = std::vector<wire::JsonMember>;

Status invalid(const std::string& where, std::string_view what) {
  return {Code::invalid_argument, where + ": " + std::string(what)};
}

Result<Members> object(const std::string& where, std::string_view json) {
  if (json.empty()) return invalid(where, "is missing");
  Result<Members> members = wire::read_members(json);
  if (!members) return invalid(where, members.status().message());
  return members;
}

Result<std::vector<std::string_view>> array(const std::string& where, std::string_view json,
                                            std::size_t count_max) {
  if (json.empty()) return invalid(where, "is missing");
  auto elements = wire::read_elements(json, count_max);
  if (!elements) return invalid(where, elements.status().message());
  return elements;
}

// A whole number from `lowest` to 2^63 - 1.
Result<std::uint64_t> number(const std::string& where, std::string_view json,
                             std::uint64_t lowest) {
  std::int64_t value = -1;
  const auto [stop, error] = std::from_chars(json.data(), json.data() + json.size(), value);
  if (json.empty() || error != std::errc() || stop != json.data() + json.size() || value < 0 ||
      static_cast<std::uint64_t>(value) < lowest)
    return invalid(where, "a whole number is wanted, " + std::to_string(lowest) + " or more");
  return static_cast<std::uint64_t>(value);
}

Result<std::string> text(const std::string& where, std::string_view json, std::size_t bytes_max) {
  Result<std::string> value = json.empty() || json.front() != '"'
                                  ? Result<std::string>(invalid(where, "a text is wanted"))
                                  : wire::read_text(json);
  if (value && (value->empty() || value->size() > bytes_max))
    return invalid(where, "1 to " + std::to_string(bytes_max) + " bytes are wanted");
  return value;
}

Result<HybridTime> time(const std::string& where, std::string_view json) {
  const Result<std::string> digits = text(where, json, 16);
  if (!digits) return digits.status();
  HybridTime value = 0;
  const char* const end = digits->data() + digits->size();
  const auto [stop, error] = std::from_chars(digits->data(), end, value, 16);
  const bool is_lower = digits->find_first_of("ABCDEF") == std::string::npos;
  if (digits->size() != 16 || error != std::errc() || stop != end || !is_lower)
    return invalid(where, "16 hexadecimal digits are wanted");
  if (value >= kHybridTimeEnd) return invalid(where, "it is after the year 2099");
  return value;
}

// Whether an object has these members and no others.
Status check_members(const std::string& where, const Members& members,
                     std::string_view wanted_words) {
  for (const wire::JsonMember& member : members) {
    const std::string word = ' ' + member.name + ' ';
    if (wanted_words.find(word) == std::string_view::npos)
      return invalid(where, "an unknown member '" + member.name + "'");
  }
  return {};
}

/// Reads one field after another; the first thing that is wrong stays.
class FieldReader {
 public:
  FieldReader(std::string where, const Members& members, const Context& context)
      : where_(std::move(where)), members_(members), context_(context) {}

  [[nodiscard]] const Status& status() const { return status_; }

  void read(Register& field) {
    expect(" t r s ts v ");
    field.last = write(where_, members_, true);
  }
  void read(Siblings& field) {
    expect(" t w ");
    for (Write& each : writes()) {
      const Dot dot = each.dot;
      if (!field.writes.emplace(dot, std::move(each)).second) fail(where_, "a write stands twice");
    }
    if (field.writes.empty()) fail(where_, "no write");
  }
  void read_extreme(Extreme& field) {
    expect(" t e v ");
    field.epoch = take(number(where_ + ".e", find("e"), 0));
    field.number = value(where_ + ".v", find("v"));
    if (!is_number(field.number)) fail(where_ + ".v", "a number is wanted");
  }
  void read(Maximum& field) { read_extreme(field); }
  void read(Minimum& field) { read_extreme(field); }
  void read(Counter& field) {
    expect(" t e n ");
    field.epoch = take(number(where_ + ".e", find("e"), 0));
    for (const auto& [replica, sums] : take(object(where_ + ".n", find("n")))) {
      const std::string where = where_ + ".n." + replica;
      const auto both = take(array(where, sums, 2));
      if (!context_.contains(replica)) fail(where, "the context does not know it");
      if (both.size() != 2) return fail(where, "two numbers are wanted");
      field.sums[replica] = {take(number(where, both[0], 0)), take(number(where, both[1], 0))};
    }
  }
  void read(Set& field) {
    expect(" t m ");
    for (const auto& [element, dots] : take(object(where_ + ".m", find("m")))) {
      if (element.size() > kTextBytesMax) fail(where_, "an element longer than 8 KiB");
      std::vector<Dot>& held = field.elements[element];
      for (const std::string_view each : take(array(where_ + ".m", dots, kReplicasMax)))
        held.push_back(dot(each));
      std::ranges::sort(held);
      if (held.empty() || std::ranges::adjacent_find(held) != held.end())
        fail(where_ + ".m", "each element has writes, each of them once");
    }
    if (field.elements.empty()) fail(where_, "no element");
  }
  void read(Log& field) {
    expect(" t w ");
    field.entries = writes();
    std::ranges::sort(field.entries);
    if (field.entries.empty()) fail(where_, "no entry");
    if (std::ranges::adjacent_find(field.entries) != field.entries.end())
      fail(where_, "an entry stands twice");
  }

 private:
  void fail(const std::string& where, std::string_view what) {
    if (status_.is_ok()) status_ = invalid(where, what);
  }
  template <typename T>
  T take(Result<T> result) {
    if (result) return std::move(*result);
    if (status_.is_ok()) status_ = result.status();
    return {};
  }
  void expect(std::string_view words) {
    if (status_.is_ok()) status_ = check_members(where_, members_, words);
  }
  std::string_view find(std::string_view name) const { return wire::find_member(members_, name); }

  std::string value(const std::string& where, std::string_view json) {
    if (json.empty()) {
      fail(where, "is missing");
      return {};
    }
    Result<std::string> read = canonical(json);
    if (!read) fail(where, read.status().message());
    return read ? std::move(*read) : std::string();
  }

  void check(const std::string& where, const Dot& dot) {
    if (!covers(context_, dot)) fail(where, "the context has not seen this write");
  }

  Write write(const std::string& where, const Members& members, bool may_be_deletion) {
    Write read;
    read.dot.replica = take(text(where + ".r", wire::find_member(members, "r"), kReplicaBytesMax));
    read.dot.sequence = take(number(where + ".s", wire::find_member(members, "s"), 1));
    read.time = take(time(where + ".ts", wire::find_member(members, "ts")));
    const std::string_view json = wire::find_member(members, "v");
    if (!json.empty() || !may_be_deletion) read.value = value(where + ".v", json);
    check(where, read.dot);
    return read;
  }

  std::vector<Write> writes() {
    std::vector<Write> all;
    for (const std::string_view each : take(array(where_ + ".w", find("w"), kLogEntriesMax))) {
      const Members members = take(object(where_ + ".w", each));
      if (status_.is_ok()) status_ = check_members(where_ + ".w", members, " r s ts v ");
      all.push_back(write(where_ + ".w", members, false));
    }
    return all;
  }

  Dot dot(std::string_view json) {
    const std::string where = where_ + ".m";
    const auto both = take(array(where, json, 2));
    if (both.size() != 2) {
      fail(where, "a replica and a number are wanted");
      return {};
    }
    const Dot read{take(text(where, both[0], kReplicaBytesMax)), take(number(where, both[1], 1))};
    check(where, read);
    return read;
  }

  const std::string where_;
  const Members& members_;
  const Context& context_;
  Status status_;
};

Status read_field(const std::string& name, std::string_view json, State& state) {
  const std::string where = "f." + name;
  const std::size_t type =
      name.size() > 2 && name[1] == ':' ? kTypeTags.find(name[0]) : kTypeTags.npos;
  if (type == kTypeTags.npos) return invalid(where, "a type that nobody knows");
  if (name.size() - 2 > kNameBytesMax) return invalid(where, "a name longer than 128 bytes");
  const Result<Members> members = object(where, json);
  if (!members) return members.status();
  const Result<std::string> tag = text(where + ".t", wire::find_member(*members, "t"), 1);
  if (!tag) return tag.status();
  if (*tag != name.substr(0, 1)) return invalid(where + ".t", "not the type in the name");
  Field field = make_field(type);
  FieldReader reader(where, *members, state.context);
  std::visit([&reader](auto& kind) { reader.read(kind); }, field);
  if (!reader.status().is_ok()) return reader.status();
  state.fields.emplace(FieldKey{name.substr(2), type}, std::move(field));
  return {};
}

Status read_context(std::string_view json, Context& context) {
  const Result<Members> members = object("cc", json);
  if (!members) return members.status();
  if (members->size() > kReplicasMax) return invalid("cc", "more than 32 replicas");
  for (const auto& [replica, value] : *members) {
    if (replica.empty() || replica.size() > kReplicaBytesMax)
      return invalid("cc", "a replica has 1 to 64 bytes");
    const Result<std::uint64_t> sequence = number("cc." + replica, value, 1);
    if (!sequence) return sequence.status();
    context.emplace(replica, *sequence);
  }
  return {};
}

}  // namespace

Result<Message> read_state(std::string_view json) {
  if (json.size() > kDocumentBytesMax) return invalid("document", "larger than 32 KiB");
  const Result<Members> members = object("document", json);
  if (!members) return members.status();
  const auto find = [&](std::string_view name) { return wire::find_member(*members, name); };
  const Result<std::uint64_t> version = number("v", find("v"), 1);
  if (!version) return version.status();
  if (*version > 1)
    return Status(Code::unsupported, "v: version " + std::to_string(*version) + ", 1 is known");
  if (Status status = check_members("document", *members, " v k g cc f "); !status.is_ok())
    return status;
  Result<std::string> key = text("k", find("k"), kKeyBytesMax);
  if (!key) return key.status();
  const Result<std::uint64_t> generation = number("g", find("g"), 1);
  if (!generation) return generation.status();

  Message message{std::move(*key), {}};
  message.state.generation = *generation;
  if (Status status = read_context(find("cc"), message.state.context); !status.is_ok())
    return status;
  const Result<Members> fields = object("f", find("f"));
  if (!fields) return fields.status();
  if (fields->size() > kFieldsMax) return invalid("f", "more than 256 fields");
  if (!message.state.is_alive() && !fields->empty())
    return invalid("f", "a deleted document has no fields");
  for (const auto& [name, value] : *fields) {
    if (Status status = read_field(name, value, message.state); !status.is_ok()) return status;
  }
  return message;
}

}  // namespace edgepost::document
