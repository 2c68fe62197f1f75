#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/config/problems.hpp"
#include "cli/config/words.hpp"
#include "cli/options.hpp"
#include "edgepost/https.hpp"
#include "edgepost/platform.hpp"
#include "edgepost/secret.hpp"
#include "edgepost/tls.hpp"

namespace edgepost::cli {

/// What reading a configuration needs, and what it finds wrong.
struct Reading {
  Environment environment;  ///< For `${NAME}`.
  Platform platform{};      ///< For what is made on the way.
  Problems problems{};      ///< So far.

  /// Notes a problem of `node`.
  void complain(const wire::JsonNode& node, std::string_view what) {
    problems.add(origin_of(node), what);
  }
};

/// What a number may be.
struct Range {
  std::uint64_t lowest = 0;                                           ///< Included.
  std::uint64_t highest = std::numeric_limits<std::uint64_t>::max();  ///< Included.
  bool is_size = false;  ///< Bytes: `"64KiB"` is understood as well.
};
inline constexpr Range kBytes{.is_size = true};

// How a value is read, by the type that it becomes: each overload sets `out`, or complains. None
// puts a value in a message that could be a secret.
void read_value(const wire::JsonNode& node, const Range& range, std::string& out, Reading& reading);
void read_value(const wire::JsonNode& node, const Range& range, bool& out, Reading& reading);
void read_value(const wire::JsonNode& node, const Range& range, double& out, Reading& reading);
void read_value(const wire::JsonNode& node, const Range& range, Duration& out, Reading& reading);
void read_value(const wire::JsonNode& node, const Range& range, std::vector<std::string>& out,
                Reading& reading);
void read_value(const wire::JsonNode& node, const Range& range,
                std::map<std::string, std::string>& out, Reading& reading);
void read_value(const wire::JsonNode& node, const Range& range, std::vector<HttpHeader>& out,
                Reading& reading);
/// `${NAME}` or `file:PATH`; it is looked up at once.
void read_value(const wire::JsonNode& node, const Range& range, Secret& out, Reading& reading);
void read_value(const wire::JsonNode& node, const Range& range, std::uint64_t& out,
                Reading& reading);

template <std::integral Number>
void read_value(const wire::JsonNode& node, const Range& range, Number& out, Reading& reading) {
  Range own = range;
  own.highest = std::min<std::uint64_t>(own.highest, std::numeric_limits<Number>::max());
  std::uint64_t wide = static_cast<std::uint64_t>(out);
  read_value(node, own, wide, reading);
  out = static_cast<Number>(wide);
}

/// Notes that `node` is none of `words`.
void complain_of_word(const wire::JsonNode& node, std::span<const std::string_view> words,
                      Reading& reading);

template <Worded Enum>
void read_value(const wire::JsonNode& node, const Range& /*range*/, Enum& out, Reading& reading) {
  std::vector<std::string_view> words;
  for (const auto& [word, value] : kWords<Enum>) {
    if (node.kind == wire::JsonKind::text && node.text == word) {
      out = value;
      return;
    }
    words.push_back(word);
  }
  complain_of_word(node, words, reading);
}

/// What need not stand there.
template <Worded Enum>
void read_value(const wire::JsonNode& node, const Range& range, std::optional<Enum>& out,
                Reading& reading) {
  read_value(node, range, out.emplace(), reading);
}

// How a value that stands in the code is shown; empty: nothing to show.
std::string show_value(const std::string& value);
std::string show_value(bool value);
std::string show_value(double value);
std::string show_value(Duration value);
template <std::integral Number>
std::string show_value(const Number& value) {
  return std::to_string(value);
}
template <Worded Enum>
std::string show_value(const Enum& value) {
  for (const auto& [word, known] : kWords<Enum>) {
    if (known == value) return std::string(word);
  }
  return {};
}
template <typename Other>
std::string show_value(const Other& /*value*/) {
  return {};
}

// The type of a value, were it there.
template <typename Value>
struct Present {
  using Type = Value;
};
template <typename Value>
struct Present<std::optional<Value>> {
  using Type = Value;
};

// What a value looks like, in a word or two.
template <typename Value>
std::string kind_of(const Range& range) {
  if constexpr (Worded<Value>) {
    std::string words;
    for (const auto& [word, value] : kWords<Value>)
      words.append(words.empty() ? "" : "|").append(word);
    return words;
  } else if constexpr (std::same_as<Value, bool>) {
    return "true|false";
  } else if constexpr (std::same_as<Value, double> || std::integral<Value>) {
    std::string kind = range.is_size ? "SIZE" : "NUMBER";
    if (range.lowest > 0) kind += ", at least " + std::to_string(range.lowest);
    if (range.highest < std::numeric_limits<std::uint64_t>::max())
      kind += ", at most " + std::to_string(range.highest);
    return kind;
  } else if constexpr (std::same_as<Value, Duration>) {
    return "DURATION";
  } else if constexpr (std::same_as<Value, std::string>) {
    return "TEXT";
  } else if constexpr (std::same_as<Value, std::vector<std::string>>) {
    return "[TEXT, ...]";
  } else if constexpr (std::same_as<Value, Secret>) {
    return "SECRET";
  } else {
    return "{NAME: TEXT, ...}";
  }
}

/// The nearest of `names` to a misspelt one; empty when none is near.
std::string_view nearest(std::string_view wanted, std::span<const std::string_view> names);

}  // namespace edgepost::cli
