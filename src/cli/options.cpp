#include "cli/options.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace edgepost::cli {
namespace {

const Option* find(std::span<const Option> table, std::string_view name) {
  const auto found = std::ranges::find_if(table, [name](const Option& option) {
    return option.name == name && option.takes != Takes::heading;
  });
  return found == table.end() ? nullptr : &*found;
}

Status bad(std::string_view name, std::string_view what) {
  std::string message = "option --";
  return {Code::invalid_argument, message.append(name).append(": ").append(what)};
}

std::string quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

bool is_choice(std::string_view words, std::string_view value) {
  while (!words.empty()) {
    const auto end = std::min(words.find('|'), words.size());
    if (words.substr(0, end) == value) return true;
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  return false;
}

Status check(const Option& option, std::string_view value) {
  if (value.empty()) return bad(option.name, "the value is empty");
  if (option.takes == Takes::count) {
    const auto number = parse_count(value, option.lowest, option.highest);
    if (!number) return bad(option.name, number.status().message());
  } else if (option.takes == Takes::duration) {
    const auto duration = parse_duration(value);
    if (!duration) return bad(option.name, duration.status().message());
  } else if (option.takes == Takes::size) {
    const auto size = parse_size(value);
    if (!size) return bad(option.name, size.status().message());
  } else if (option.takes == Takes::rate) {
    const auto rate = parse_rate(value);
    if (!rate) return bad(option.name, rate.status().message());
  } else if (option.takes == Takes::choice && !is_choice(option.value, value)) {
    return bad(option.name, quoted(value) + " is not one of " + std::string(option.value));
  }
  return {};
}

}  // namespace

Result<std::uint64_t> parse_count(std::string_view text, std::uint64_t lowest,
                                  std::uint64_t highest) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  if (text.empty() || read.ec != std::errc() || read.ptr != end || number < lowest ||
      number > highest) {
    std::string message = quoted(text) + " is not a whole number from " + std::to_string(lowest);
    const bool is_open = highest == std::numeric_limits<std::uint64_t>::max();
    if (!is_open) message += " to " + std::to_string(highest);
    return Status(Code::invalid_argument, message + (is_open ? " up" : ""));
  }
  return number;
}

Result<Duration> parse_duration(std::string_view text) {
  using std::chrono::milliseconds;
  static constexpr std::array<std::pair<std::string_view, std::int64_t>, 5> kUnits{
      {{"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
  const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
  for (const auto& [unit, factor] : kUnits) {
    if (text.substr(digits) != unit) continue;
    const auto highest = std::chrono::duration_cast<milliseconds>(kLongest).count() / factor;
    const auto number = parse_count(text.substr(0, digits), 1, static_cast<std::uint64_t>(highest));
    if (!number) break;
    return Duration(milliseconds(static_cast<std::int64_t>(*number) * factor));
  }
  return Status(Code::invalid_argument, quoted(text) + " is not a duration such as 500ms, 30s, " +
                                            "5m, 1h or 2d, from 1ms to 3650d");
}

Result<std::uint64_t> parse_size(std::string_view text, std::uint64_t lowest,
                                 std::uint64_t highest) {
  static constexpr std::array<std::pair<std::string_view, unsigned>, 4> kUnits{
      {{"", 0}, {"KiB", 10}, {"MiB", 20}, {"GiB", 30}}};
  const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
  for (const auto& [unit, shift] : kUnits) {
    if (text.substr(digits) != unit) continue;
    const auto most = std::numeric_limits<std::uint64_t>::max() >> shift;
    const auto number = parse_count(text.substr(0, digits), 0, most);
    if (!number || *number << shift < lowest || *number << shift > highest) break;
    return *number << shift;
  }
  std::string message = quoted(text) + " is not a size such as 4096, 64KiB, 1MiB or 2GiB, from " +
                        std::to_string(lowest);
  const bool is_open = highest == std::numeric_limits<std::uint64_t>::max();
  return Status(Code::invalid_argument,
                message + (is_open ? " up" : " to " + std::to_string(highest)));
}

Result<Rate> parse_rate(std::string_view text) {
  const std::string_view amount =
      text.substr(0, text.size() - std::min<std::size_t>(2, text.size()));
  if (text.ends_with("/s")) {
    if (const auto events = parse_count(amount, 1, std::numeric_limits<std::uint64_t>::max())) {
      return Rate{.events = *events};
    }
    if (const auto bytes = parse_size(amount)) return Rate{.bytes = *bytes};
  }
  return Status(Code::invalid_argument,
                quoted(text) + " is not a rate such as 100/s (events) or 64KiB/s (bytes)");
}

Result<Options> Options::parse(std::span<const Option> table,
                               std::span<const char* const> arguments,
                               const Environment& environment) {
  Options options;
  options.table_ = table;
  const bool takes_words = std::ranges::count(table, Takes::words, &Option::takes) > 0;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::string_view argument = arguments[i];
    if (argument == "--help" || argument == "-h") {
      options.wants_help_ = true;
      return options;
    }
    if (takes_words && !argument.starts_with("-")) {
      options.words_.push_back(argument);
      continue;
    }
    if (!argument.starts_with("--") || argument == "--") {
      const std::string_view what = argument.starts_with("-") ? "unknown option " : "unexpected ";
      return Status(Code::invalid_argument, std::string(what) + quoted(argument));
    }
    argument.remove_prefix(2);
    const auto equals = argument.find('=');
    const std::string_view name = argument.substr(0, equals);
    const Option* const option = find(table, name);
    if (option == nullptr || option->takes == Takes::words) {
      return Status(Code::invalid_argument, "unknown option --" + std::string(name));
    }
    std::string_view value;
    if (option->takes == Takes::nothing) {
      if (equals != std::string_view::npos) return bad(name, "it takes no value");
      value = "on";
    } else if (equals != std::string_view::npos) {
      value = argument.substr(equals + 1);
    } else if (++i < arguments.size()) {
      value = arguments[i];
    } else {
      return bad(name, std::string(option->value) + " is missing");
    }
    if (Status status = options.take(*option, value); !status.is_ok()) return status;
  }
  if (Status status = options.complete(environment); !status.is_ok()) return status;
  return options;
}

Status Options::take(const Option& option, std::string_view value) {
  if (Status status = check(option, value); !status.is_ok()) return status;
  std::vector<std::string_view>& values = given_[option.name];
  if (!values.empty() && !option.is_repeatable) return bad(option.name, "it is given twice");
  values.push_back(value);
  return {};
}

Status Options::complete(const Environment& environment) {
  for (const Option& option : table_) {
    if (has(option.name)) continue;
    const char* const value = option.environment ? environment(option.environment) : nullptr;
    if (value != nullptr && *value != '\0') {
      if (Status status = take(option, value); !status.is_ok()) return status;
    } else if (option.is_required) {
      std::string message = "it is missing";
      if (option.environment != nullptr) {
        message.append(", and so is the variable ").append(option.environment);
      }
      return bad(option.name, message);
    }
  }
  return {};
}

std::string Options::text(std::string_view name) const {
  const Option* const option = find(table_, name);
  EDGEPOST_ASSERT(option != nullptr);
  const auto given = given_.find(name);
  return std::string(given == given_.end() ? option->standard : given->second.front());
}

std::vector<std::string> Options::texts(std::string_view name) const {
  const auto given = given_.find(name);
  if (given == given_.end()) return {};
  return {given->second.begin(), given->second.end()};
}

std::uint64_t Options::count(std::string_view name) const {
  return *parse_count(text(name), 0, std::numeric_limits<std::uint64_t>::max());
}

Duration Options::duration(std::string_view name) const { return *parse_duration(text(name)); }

std::string describe(std::span<const Option> table) {
  static constexpr std::size_t kColumn = 26;
  std::string out;
  for (const Option& option : table) {
    if (option.takes == Takes::heading) {
      out.append("\n").append(option.help).append(":\n");
      continue;
    }
    std::string line = option.takes == Takes::words ? "  " : "  --";
    line += option.name;
    if (!option.value.empty()) line.append(" ").append(option.value);
    if (line.size() + 2 > kColumn) {
      out += line + '\n';
      line.clear();
    }
    line.resize(kColumn, ' ');
    line += option.help;
    if (option.takes == Takes::count &&
        option.highest != std::numeric_limits<std::uint64_t>::max()) {
      line += ", " + std::to_string(option.lowest) + " to " + std::to_string(option.highest);
    }
    if (option.is_required) line += "; needed";
    if (option.is_repeatable) line += "; may be repeated";
    if (option.environment != nullptr) line.append("; or set ").append(option.environment);
    if (!option.standard.empty()) line.append("; default ").append(option.standard);
    out += line + '\n';
  }
  return out + "  -h, --help" + std::string(kColumn - 12, ' ') + "Show this text and exit\n";
}

}  // namespace edgepost::cli
