#include "wire/parse.hpp"

#include <yyjson.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "wire/base64.hpp"
#include "wire/cloudevents.hpp"
#include "wire/text_fields.hpp"

namespace edgepost::wire {
namespace {

/// One member of the object.
struct Member {
  std::string_view name;     ///< By the name CloudEvents has for it.
  std::size_t position = 0;  ///< Of the quote before its name.
  yyjson_val* value = nullptr;
};

struct Alias {
  std::string_view short_name;
  std::string_view name;
};
constexpr std::array kAliases = {Alias{"topic", "subject"}, Alias{"key", "partitionkey"}};

Status malformed(std::size_t position, std::string_view what) {
  return {Code::invalid_argument,
          "JSON, byte " + std::to_string(position) + ": " + std::string(what)};
}

/// The characters of a string or number; numbers are kept as they were written.
std::string_view text_of(yyjson_val* value) {
  if (yyjson_is_raw(value)) return {yyjson_get_raw(value), yyjson_get_len(value)};
  return {yyjson_get_str(value), yyjson_get_len(value)};
}

template <typename Number>
bool parse_whole(std::string_view text, Number& out) {
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, out);
  return error == std::errc() && stop == end;
}

/// Turns the members of one object into an event.
class EventReader {
 public:
  explicit EventReader(std::string_view json) : json_(json) {}

  Result<Event> read(const std::vector<Member>& members) {
    for (const Member& member : members) {
      if (member.name == "data" || member.name == "data_base64") {
        data_.push_back(member);
        continue;
      }
      if (yyjson_is_null(member.value)) continue;
      if (Status status = attribute(member); !status.is_ok()) return status;
    }
    if (Status status = expiry(); !status.is_ok()) return status;
    if (Status status = data(); !status.is_ok()) return status;
    if (event_.topic.empty()) return invalid_attribute("subject", "missing (or topic)");
    return std::move(event_);
  }

 private:
  Status attribute(const Member& member) {
    if (member.name == "sequence") return sequence(member);
    if (member.name == "ttl_ms") return span(member, event_.expires_after);
    if (member.name == "not_before_ms") return span(member, event_.not_before);
    if (const auto* field = std::ranges::find(kTextFields, member.name, &TextField::name);
        field != kTextFields.end()) {
      if (!yyjson_is_str(member.value)) return invalid_attribute(member.name, "not a string");
      event_.*(field->field) = text_of(member.value);
      return {};
    }
    if (member.name == "specversion" || member.name == "id" || member.name == "time" ||
        member.name == "expirytime") {
      if (!yyjson_is_str(member.value)) return invalid_attribute(member.name, "not a string");
      return typed_attribute(member.name, text_of(member.value));
    }
    if (yyjson_is_bool(member.value)) {
      add_free(member.name, yyjson_get_bool(member.value) ? "true" : "false");
    } else if (yyjson_is_str(member.value) || yyjson_is_raw(member.value)) {
      add_free(member.name, text_of(member.value));
    } else {
      return invalid_attribute(member.name, "not a string, number or boolean");
    }
    return {};
  }

  void add_free(std::string_view name, std::string_view value) {
    event_.attributes.push_back({std::string(name), std::string(value)});
  }

  Status typed_attribute(std::string_view name, std::string_view text) {
    if (name == "specversion") {
      return text == "1.0" ? Status() : invalid_attribute(name, "only 1.0 is understood");
    }
    if (name == "id") {
      Result<EventId> id = EventId::parse(text);
      if (!id) return invalid_attribute(name, id.status().message());
      event_.id = *id;
      return {};
    }
    Result<Timestamp> time = parse_time(text);
    if (!time) return invalid_attribute(name, time.status().message());
    (name == "time" ? event_.time : expiry_) = *time;
    return {};
  }

  Status sequence(const Member& member) {
    if ((yyjson_is_str(member.value) || yyjson_is_raw(member.value)) &&
        parse_whole(text_of(member.value), event_.sequence)) {
      return {};
    }
    return invalid_attribute(member.name, "not a whole number of 64 bits");
  }

  static Status span(const Member& member, std::optional<Duration>& out) {
    constexpr std::int64_t kMost = std::numeric_limits<Duration::rep>::max() / 1000;
    std::int64_t milliseconds = 0;
    if (!yyjson_is_raw(member.value) || !parse_whole(text_of(member.value), milliseconds) ||
        milliseconds < 1 || milliseconds > kMost) {
      return invalid_attribute(member.name, "not a whole number of milliseconds above 0");
    }
    out = std::chrono::milliseconds(milliseconds);
    return {};
  }

  Status expiry() {
    if (!expiry_) return {};
    if (event_.expires_after) return invalid_attribute("expirytime", "ttl_ms says it already");
    if (!event_.time) return invalid_attribute("expirytime", "there is no time to count it from");
    if (*expiry_ <= *event_.time) return invalid_attribute("expirytime", "not after time");
    event_.expires_after = *expiry_ - *event_.time;
    return {};
  }

  Status data() {
    if (data_.empty()) return {};
    if (data_.size() > 1) return invalid_attribute("data_base64", "data is there already");
    const Member& member = data_.front();
    if (member.name == "data") return plain_data(member);
    if (yyjson_is_null(member.value)) return {};
    if (!yyjson_is_str(member.value)) return invalid_attribute(member.name, "not a string");
    Result<std::string> bytes = parse_base64(text_of(member.value));
    if (!bytes) return invalid_attribute(member.name, bytes.status().message());
    event_.data = std::move(*bytes);
    return {};
  }

  Status plain_data(const Member& member) {
    if (yyjson_is_str(member.value) && !is_json_type(event_.content_type)) {
      event_.data = text_of(member.value);
      return {};
    }
    const std::size_t name_end = member.position + scan_json(json_.substr(member.position)).end;
    const std::size_t after_colon = json_.find(':', name_end) + 1;
    const std::string_view rest = json_.substr(after_colon);
    const JsonExtent extent = scan_json(rest);
    if (!extent.is_valid) return malformed(after_colon + extent.end, "nested more than 64 deep");
    event_.data = rest.substr(extent.begin, extent.end - extent.begin);
    if (event_.content_type.empty()) event_.content_type = "application/json";
    return {};
  }

  std::string_view json_;
  Event event_;
  std::optional<Timestamp> expiry_;
  std::vector<Member> data_;
};

std::vector<Member> members_of(const yyjson_doc& document) {
  std::vector<Member> members;
  yyjson_obj_iter each;
  yyjson_obj_iter_init(document.root, &each);
  while (yyjson_val* name = yyjson_obj_iter_next(&each)) {
    // A decoded string begins where it stood in the text, in the reader's copy of it.
    const std::string_view text = text_of(name);
    Member member{text, static_cast<std::size_t>(text.data() - document.str_pool) - 1,
                  yyjson_obj_iter_get_val(name)};
    for (const Alias& alias : kAliases) {
      if (member.name == alias.short_name) member.name = alias.name;
    }
    members.push_back(member);
  }
  return members;
}

/// The first member whose name stood there before, or null.
const Member* find_duplicate(const std::vector<Member>& members) {
  std::vector<const Member*> sorted;
  for (const Member& member : members)
    sorted.push_back(&member);
  std::ranges::sort(sorted, {}, [](const Member* m) { return std::pair(m->name, m->position); });
  const auto found = std::ranges::adjacent_find(sorted, {}, &Member::name);
  return found == sorted.end() ? nullptr : *std::next(found);
}

}  // namespace

Result<Event> parse_event(std::string_view json) {
  yyjson_read_err error{};
  // The reader takes a non-const pointer for its in-place mode, which is not asked for here.
  const std::unique_ptr<yyjson_doc, decltype(&yyjson_doc_free)> document(
      yyjson_read_opts(const_cast<char*>(json.data()), json.size(), YYJSON_READ_NUMBER_AS_RAW,
                       nullptr, &error),
      &yyjson_doc_free);
  if (document == nullptr) return malformed(error.pos, error.msg);
  if (!yyjson_is_obj(document->root)) return malformed(0, "not an object");
  const std::vector<Member> members = members_of(*document);
  if (const Member* member = find_duplicate(members)) {
    return malformed(member->position, "the name stood there before");
  }
  return EventReader(json).read(members);
}

}  // namespace edgepost::wire
