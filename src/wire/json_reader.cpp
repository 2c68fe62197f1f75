#include "wire/json_reader.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "wire/json.hpp"

namespace edgepost::wire {
namespace {

constexpr std::size_t kMembersMax = 256;

Status malformed(std::size_t position, std::string_view what) {
  return {Code::invalid_argument,
          "JSON, byte " + std::to_string(position) + ": " + std::string(what)};
}

/// Walks over the inside of an object or array that is known to be valid.
class Inside {
 public:
  Inside(std::string_view text, const JsonExtent& extent)
      : text_(text.substr(0, extent.end)), at_(extent.begin + 1) {}

  /// Stands at the next element; false at the end.
  bool next() {
    at_ = text_.find_first_not_of(kJsonSpace, at_);
    if (text_[at_] == ',') at_ = text_.find_first_not_of(kJsonSpace, at_ + 1);
    return text_[at_] != '}' && text_[at_] != ']';
  }

  std::string_view value() {
    const JsonExtent extent = scan_json(text_.substr(at_));
    const std::string_view found = text_.substr(at_ + extent.begin, extent.end - extent.begin);
    at_ += extent.end;
    return found;
  }

  void skip_colon() { at_ = text_.find(':', at_) + 1; }
  [[nodiscard]] std::size_t position() const { return at_; }

 private:
  std::string_view text_;
  std::size_t at_;
};

Result<Inside> enter(std::string_view text, char bracket, std::string_view what) {
  const JsonExtent extent = scan_json(text);
  if (!extent.is_valid) return malformed(extent.end, "malformed");
  if (text[extent.begin] != bracket) return malformed(extent.begin, what);
  const std::size_t rest = text.find_first_not_of(kJsonSpace, extent.end);
  if (rest != std::string_view::npos) return malformed(rest, "something follows");
  return Inside(text, extent);
}

char32_t hex_unit(std::string_view digits) {
  unsigned unit = 0;
  std::from_chars(digits.data(), digits.data() + 4, unit, 16);
  return unit;
}

void append_utf8(char32_t point, std::string& out) {
  const auto put = [&out](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xC0U | point >> 6U);
    put(0x80U | (point & 0x3FU));
  } else if (point < 0x10000) {
    put(0xE0U | point >> 12U);
    put(0x80U | (point >> 6U & 0x3FU));
    put(0x80U | (point & 0x3FU));
  } else {
    put(0xF0U | point >> 18U);
    put(0x80U | (point >> 12U & 0x3FU));
    put(0x80U | (point >> 6U & 0x3FU));
    put(0x80U | (point & 0x3FU));
  }
}

/// Reads the escape behind the backslash at `at`; returns the place behind it.
std::size_t append_escape(std::string_view text, std::size_t at, std::string& out) {
  constexpr std::string_view kLetters = "btnfr";
  constexpr std::string_view kControls = "\b\t\n\f\r";
  const char letter = text[at + 1];
  if (letter != 'u') {
    const std::size_t known = kLetters.find(letter);
    out.push_back(known == std::string_view::npos ? letter : kControls[known]);
    return at + 2;
  }
  const char32_t unit = hex_unit(text.substr(at + 2, 4));
  if (unit < 0xD800 || unit > 0xDFFF) {
    append_utf8(unit, out);
    return at + 6;
  }
  const char32_t low = hex_unit(text.substr(at + 8, 4));
  append_utf8(0x10000U + ((unit - 0xD800U) << 10U) + (low - 0xDC00U), out);
  return at + 12;
}

}  // namespace

Result<std::vector<JsonMember>> read_members(std::string_view text) {
  Result<Inside> inside = enter(text, '{', "not an object");
  if (!inside) return inside.status();
  std::vector<JsonMember> members;
  while (inside->next()) {
    const std::size_t position = inside->position();
    if (members.size() == kMembersMax) return malformed(position, "more than 256 members");
    std::string name = read_text(inside->value()).value();
    if (std::ranges::find(members, name, &JsonMember::name) != members.end()) {
      return malformed(position, "the name stood there before");
    }
    inside->skip_colon();
    members.push_back({std::move(name), inside->value()});
  }
  return members;
}

Result<std::vector<std::string_view>> read_elements(std::string_view text, std::size_t count_max) {
  Result<Inside> inside = enter(text, '[', "not an array");
  if (!inside) return inside.status();
  std::vector<std::string_view> elements;
  while (inside->next()) {
    if (elements.size() == count_max) {
      return malformed(inside->position(), "more than " + std::to_string(count_max) + " elements");
    }
    elements.push_back(inside->value());
  }
  return elements;
}

Result<std::string> read_text(std::string_view value) {
  if (!value.starts_with('"')) return Status(Code::invalid_argument, "not a string");
  std::string out;
  for (std::size_t at = 1; at + 1 < value.size();) {
    if (value[at] == '\\') {
      at = append_escape(value, at, out);
    } else {
      out.push_back(value[at++]);
    }
  }
  return out;
}

std::string_view find_member(const std::vector<JsonMember>& members, std::string_view name) {
  const auto found = std::ranges::find(members, name, &JsonMember::name);
  return found == members.end() ? std::string_view() : found->value;
}

}  // namespace edgepost::wire
