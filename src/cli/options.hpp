#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "edgepost/status.hpp"
#include "edgepost/time.hpp"

namespace edgepost::cli {

/// What an option takes.
enum class Takes : unsigned char {
  nothing,   ///< A switch.
  text,      ///< Anything but the empty text.
  count,     ///< A whole number.
  duration,  ///< A whole number and a unit: ms, s, m, h or d.
  size,      ///< Bytes: a whole number, alone or with a unit: KiB, MiB or GiB.
  rate,      ///< A whole number or a size, and `/s`.
  choice,    ///< One of the words in Option::value.
  heading,   ///< Nothing: Option::help stands above the options that follow, in the help.
  words,     ///< The arguments that are no options, however many; Option::name is for the help.
};

/// The longest duration an option takes; longer ones are typing errors.
inline constexpr Duration kLongest = std::chrono::hours(24) * 3650;

/// One row of a command's table of options.
struct Option {
  std::string_view name;              ///< Without the dashes.
  Takes takes = Takes::nothing;       ///< See Takes.
  std::string_view value;             ///< The value's word in the help; of a choice: `a|b`.
  std::string_view standard;          ///< Taken when the option is not given; empty: none.
  std::string_view help;              ///< One sentence, without the default.
  bool is_required = false;           ///< Refuse to run without it.
  const char* environment = nullptr;  ///< Variable that stands in when it is not given.
  std::uint64_t lowest = 1;           ///< Of a count.
  std::uint64_t highest = std::numeric_limits<std::uint64_t>::max();  ///< Of a count.
  bool is_repeatable = false;  ///< Each time adds a value; see texts().
};

/// Looks up an environment variable; null when it is not set.
using Environment = std::function<const char*(const char*)>;

/// The arguments of one command, read by its table: `--name value`, `--name=value` and `--name`.
/// Every value is checked here, so that the getters cannot fail.
/// Must outlive: table and arguments outlive it.
class Options {
 public:
  /// Reads `arguments`, those behind the command's name.
  /// Errors: invalid_argument: unknown, repeated or missing option; missing, empty or malformed
  /// value, naming the option and what it takes; an argument that is no option, in a table without
  /// Takes::words.
  static Result<Options> parse(std::span<const Option> table,
                               std::span<const char* const> arguments,
                               const Environment& environment);

  /// True when `--help` or `-h` was met; then nothing else was checked.
  [[nodiscard]] bool wants_help() const { return wants_help_; }

  /// True when the option was given, by argument or environment.
  [[nodiscard]] bool has(std::string_view name) const { return given_.contains(name); }

  /// The arguments that are no options, in their order.
  [[nodiscard]] const std::vector<std::string_view>& words() const { return words_; }

  /// The texts given, in their order; empty when there is none.
  [[nodiscard]] std::vector<std::string> texts(std::string_view name) const;

  /// The text given, or the standard one; empty when there is neither.
  [[nodiscard]] std::string text(std::string_view name) const;

  /// The number given, or the standard one. Requires: a count that has one of them.
  [[nodiscard]] std::uint64_t count(std::string_view name) const;

  /// The duration given, or the standard one. Requires: a duration that has one of them.
  [[nodiscard]] Duration duration(std::string_view name) const;

 private:
  Status take(const Option& option, std::string_view value);
  Status complete(const Environment& environment);

  std::span<const Option> table_;
  std::map<std::string_view, std::vector<std::string_view>> given_;
  std::vector<std::string_view> words_;
  bool wants_help_ = false;
};

/// Reads a whole number. Errors: invalid_argument, naming the range.
Result<std::uint64_t> parse_count(std::string_view text, std::uint64_t lowest,
                                  std::uint64_t highest);

/// Reads `500ms`, `30s`, `5m`, `1h` or `2d`: 1 ms to kLongest. Errors: invalid_argument.
Result<Duration> parse_duration(std::string_view text);

/// Reads `65536`, `64KiB`, `1MiB` or `2GiB`. Errors: invalid_argument.
Result<std::uint64_t> parse_size(std::string_view text, std::uint64_t lowest = 1,
                                 std::uint64_t highest = std::numeric_limits<std::uint64_t>::max());

/// How much may go in a second; one of the two is 0.
struct Rate {
  std::uint64_t events = 0;
  std::uint64_t bytes = 0;
};

/// Reads `100/s` (events) or `64KiB/s` (bytes). Errors: invalid_argument.
Result<Rate> parse_rate(std::string_view text);

/// The lines of a help text that describe `table`.
std::string describe(std::span<const Option> table);

}  // namespace edgepost::cli
