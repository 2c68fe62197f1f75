#include "document/value.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "base/decimal.hpp"
#include "wire/json.hpp"
#include "wire/json_reader.hpp"

namespace edgepost::document {
namespace {

// A document of 32 KiB has no more.
constexpr std::size_t kArrayMax = 16 * 1024;

// Doubles below it that are whole are exact.
constexpr double kExactMax = 9'007'199'254'740'992.0;

Status unfit(std::string_view what) { return {Code::invalid_argument, std::string(what)}; }

std::optional<std::int64_t> whole(std::string_view text) {
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

Status append_number(std::string_view text, std::string& out) {
  if (text.find_first_of(".eE") == std::string_view::npos) {
    const auto value = whole(text);
    if (!value) return unfit("a whole number beyond 64 bits");
    out += std::to_string(*value);
    return {};
  }
  const auto value = read_decimal(text);
  if (!value) return unfit("a number that is too large");
  if (std::trunc(*value) == *value && std::abs(*value) <= kExactMax) {
    out += std::to_string(static_cast<std::int64_t>(*value));
  } else {
    append_decimal(*value, out);
  }
  return {};
}

Status append(std::string_view json, unsigned depth, std::string& out);

Status append_object(std::string_view json, unsigned depth, std::string& out) {
  Result<std::vector<wire::JsonMember>> members = wire::read_members(json);
  if (!members) return members.status();
  std::ranges::sort(*members, {}, &wire::JsonMember::name);
  char separator = '{';
  for (const wire::JsonMember& member : *members) {
    if (member.name.size() > kTextBytesMax) return unfit("a name longer than 8 KiB");
    out += separator;
    separator = ',';
    wire::append_json_string(member.name, out);
    out += ':';
    if (Status status = append(member.value, depth + 1, out); !status.is_ok()) return status;
  }
  out += members->empty() ? "{}" : "}";
  return {};
}

Status append_array(std::string_view json, unsigned depth, std::string& out) {
  const Result<std::vector<std::string_view>> elements = wire::read_elements(json, kArrayMax);
  if (!elements) return elements.status();
  char separator = '[';
  for (const std::string_view element : *elements) {
    out += separator;
    separator = ',';
    if (Status status = append(element, depth + 1, out); !status.is_ok()) return status;
  }
  out += elements->empty() ? "[]" : "]";
  return {};
}

// Requires: one valid JSON value without white space around it.
Status append(std::string_view json, unsigned depth, std::string& out) {
  if (depth > kDepthMax) return unfit("nested more than 16 deep");
  switch (json.front()) {
    case '{':
      return append_object(json, depth, out);
    case '[':
      return append_array(json, depth, out);
    case '"': {
      const Result<std::string> text = wire::read_text(json);
      if (!text) return text.status();
      if (text->size() > kTextBytesMax) return unfit("a text longer than 8 KiB");
      wire::append_json_string(*text, out);
      return {};
    }
    case 't':
    case 'f':
    case 'n':
      out += json;
      return {};
    default:
      return append_number(json, out);
  }
}

using Parts = std::map<std::string, std::string>;

// None: it is no object.
std::optional<Parts> parts_of(const std::string& value) {
  if (value.empty() || value.front() != '{') return std::nullopt;
  Parts members;
  const Result<std::vector<wire::JsonMember>> read = wire::read_members(value);
  EDGEPOST_ASSERT(read.is_ok());
  for (const wire::JsonMember& member : *read)
    members.emplace(member.name, std::string(member.value));
  return members;
}

std::string find(const Parts& members, const std::string& name) {
  const auto found = members.find(name);
  return found == members.end() ? std::string() : found->second;
}

}  // namespace

Result<std::string> canonical(std::string_view json) {
  const wire::JsonExtent extent = wire::scan_json(json);
  if (!extent.is_valid || !wire::is_json(json)) {
    return Status(Code::invalid_argument,
                  "JSON, byte " + std::to_string(extent.end) + ": malformed");
  }
  std::string out;
  out.reserve(extent.end - extent.begin);
  Status status = append(json.substr(extent.begin, extent.end - extent.begin), 0, out);
  if (!status.is_ok()) return status;
  return out;
}

std::string merge_three(const std::string& base, const std::string& winner,
                        const std::string& loser) {
  if (winner == loser) return winner;
  const auto winners = parts_of(winner);
  const auto losers = parts_of(loser);
  if (winners && losers) {
    const Parts bases = parts_of(base).value_or(Parts());
    std::set<std::string> names;
    for (const Parts* side : {&*winners, &*losers}) {
      for (const auto& [name, value] : *side)
        names.insert(name);
    }
    std::string out;
    for (const std::string& name : names) {
      const std::string merged =
          merge_three(find(bases, name), find(*winners, name), find(*losers, name));
      if (merged.empty()) continue;
      out += out.empty() ? '{' : ',';
      wire::append_json_string(name, out);
      out += ':' + merged;
    }
    return out.empty() ? "{}" : out + '}';
  }
  if (winner == base) return loser;
  if (loser == base) return winner;
  return winner.empty() ? loser : winner;
}

bool is_number(const std::string& value) {
  return !value.empty() && (value.front() == '-' || (value.front() >= '0' && value.front() <= '9'));
}

int compare_numbers(const std::string& left, const std::string& right) {
  const auto whole_left = whole(left);
  const auto whole_right = whole(right);
  if (whole_left && whole_right)
    return *whole_left < *whole_right ? -1 : static_cast<int>(*whole_left > *whole_right);
  const double a = read_decimal(left).value_or(0);
  const double b = read_decimal(right).value_or(0);
  if (a != b) return a < b ? -1 : 1;
  return left.compare(right);  // near 2^63 different numbers are the same double
}

}  // namespace edgepost::document
