#include "cli/config/values.hpp"

#include <algorithm>
#include <array>

namespace edgepost::cli {

using wire::JsonKind;
using wire::JsonNode;

namespace {

bool wants(const JsonNode& node, JsonKind kind, std::string_view what, Reading& reading) {
  if (node.kind == kind) return true;
  reading.complain(node, std::string(what) + " is wanted");
  return false;
}

/// How many letters must be put in, left out or replaced to make one of the other.
std::size_t distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);
  for (std::size_t i = 0; i < row.size(); ++i)
    row[i] = i;
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < to.size(); ++j) {
      const std::size_t replaced = diagonal + (from[i] == to[j] ? 0 : 1);
      diagonal = std::exchange(row[j + 1], std::min({replaced, row[j] + 1, row[j + 1] + 1}));
    }
  }
  return row.back();
}

}  // namespace

std::string_view nearest(std::string_view wanted, std::span<const std::string_view> names) {
  constexpr std::size_t kLongestName = 64;
  std::size_t best = std::min<std::size_t>(wanted.size() / 2, 3) + 1;
  std::string_view found;
  for (const std::string_view name : names) {
    if (wanted.size() > kLongestName) break;
    const std::size_t far = distance(wanted, name);
    if (far >= best) continue;
    best = far;
    found = name;
  }
  return found;
}

void complain_of_word(const JsonNode& node, std::span<const std::string_view> words,
                      Reading& reading) {
  std::string what;
  for (const std::string_view word : words)
    what.append(what.empty() ? "one of \"" : ", \"").append(word).append("\"");
  reading.complain(node, what + " is wanted");
}

void read_value(const JsonNode& node, const Range& /*range*/, std::string& out, Reading& reading) {
  if (!wants(node, JsonKind::text, "a text", reading)) return;
  if (node.text.empty()) return reading.complain(node, "the text is empty");
  if (node.text.find('\0') != std::string::npos) return reading.complain(node, "NUL in the text");
  out = node.text;
}

void read_value(const JsonNode& node, const Range& /*range*/, bool& out, Reading& reading) {
  if (wants(node, JsonKind::boolean, "true or false", reading)) out = node.text == "true";
}

void read_value(const JsonNode& node, const Range& range, double& out, Reading& reading) {
  const char* const end = node.text.data() + node.text.size();
  double number = 0;
  const bool is_number =
      node.kind == JsonKind::number && std::from_chars(node.text.data(), end, number).ptr == end;
  if (is_number && number >= static_cast<double>(range.lowest) &&
      number <= static_cast<double>(range.highest)) {
    out = number;
    return;
  }
  reading.complain(node, "a number from " + std::to_string(range.lowest) + " to " +
                             std::to_string(range.highest) + " is wanted");
}

void read_value(const JsonNode& node, const Range& range, std::uint64_t& out, Reading& reading) {
  const bool is_size = range.is_size && node.kind == JsonKind::text;
  if (!is_size &&
      !wants(node, JsonKind::number,
             range.is_size ? "a number or a size such as \"64KiB\"" : "a number", reading)) {
    return;
  }
  const auto number = is_size ? parse_size(node.text, range.lowest, range.highest)
                              : parse_count(node.text, range.lowest, range.highest);
  if (!number) return reading.complain(node, number.status().message());
  out = *number;
}

void read_value(const JsonNode& node, const Range& range, Duration& out, Reading& reading) {
  if (!wants(node, JsonKind::text, "a duration such as \"30s\"", reading)) return;
  if (range.lowest == 0 && node.text == "0s") {
    out = Duration::zero();
    return;
  }
  const auto duration = parse_duration(node.text);
  if (!duration) return reading.complain(node, duration.status().message());
  out = *duration;
}

void read_value(const JsonNode& node, const Range& range, std::vector<std::string>& out,
                Reading& reading) {
  if (!wants(node, JsonKind::array, "an array of texts", reading)) return;
  for (const JsonNode& child : node.children) {
    std::string text;
    read_value(child, range, text, reading);
    if (std::ranges::count(out, text) > 0) reading.complain(child, "it stands there twice");
    if (!text.empty()) out.push_back(std::move(text));
  }
}

void read_value(const JsonNode& node, const Range& range, std::map<std::string, std::string>& out,
                Reading& reading) {
  if (!wants(node, JsonKind::object, "an object of texts", reading)) return;
  for (const JsonNode& child : node.children) {
    std::string text;
    read_value(child, range, text, reading);
    if (!out.emplace(child.name, text).second) reading.complain(child, "it stands there twice");
  }
}

void read_value(const JsonNode& node, const Range& range, std::vector<HttpHeader>& out,
                Reading& reading) {
  std::map<std::string, std::string> headers;
  read_value(node, range, headers, reading);
  for (auto& [name, value] : headers)
    out.push_back({.name = name, .value = std::move(value)});
}

void read_value(const JsonNode& node, const Range& /*range*/, Secret& out, Reading& reading) {
  constexpr std::string_view kFile = "file:";
  const std::string_view text = node.text;
  Secret secret;
  if (node.kind == JsonKind::text && text.starts_with(kFile) && text.size() > kFile.size()) {
    secret.file = text.substr(kFile.size());
  } else if (node.kind == JsonKind::text && text.starts_with("${") && text.ends_with('}') &&
             text.size() > 3) {
    const std::string name(text.substr(2, text.size() - 3));
    const char* const value = reading.environment(name.c_str());
    if (value == nullptr || *value == '\0') {
      return reading.complain(node, "the environment variable " + name + " is not set");
    }
    secret.value = value;
  } else {
    return reading.complain(node,
                            "a secret does not stand here itself: write \"${NAME}\" for an "
                            "environment variable, or \"file:PATH\" for the first line of a file");
  }
  if (const auto read = read_secret(secret); !read) {
    std::string_view what = read.status().message();
    what.remove_prefix(what.starts_with("secret: ") ? std::string_view("secret: ").size() : 0);
    return reading.complain(node, what);
  }
  out = std::move(secret);
}

std::string show_value(const std::string& value) { return value; }

std::string show_value(bool value) { return value ? "true" : "false"; }

std::string show_value(double value) {
  std::array<char, 32> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return {text.data(), end};
}

std::string show_value(Duration value) {
  using std::chrono::milliseconds;
  static constexpr std::array<std::pair<std::string_view, std::int64_t>, 5> kUnits{
      {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
  const auto count = std::chrono::duration_cast<milliseconds>(value).count();
  for (const auto& [unit, factor] : kUnits) {
    if (count >= factor && count % factor == 0) {
      return std::to_string(count / factor) + std::string(unit);
    }
  }
  return "0s";
}

}  // namespace edgepost::cli
