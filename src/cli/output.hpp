#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "edgepost/status.hpp"

namespace edgepost::cli {

// Exit codes of the command.
inline constexpr int kSuccess = 0;
inline constexpr int kFailed = 1;
inline constexpr int kBadUsage = 2;

/// Writes `text` to standard output at once.
/// Errors: io_error when it cannot be written.
Status put(std::string_view text);

/// Writes `edgepost: ` and the line to standard error.
void say(std::string_view line);

/// Says why the operation failed. Returns kFailed.
int fail(const Status& status);

/// Says what is wrong with the command line and where its help is. Returns kBadUsage.
int refuse(std::string_view command, std::string_view what);

/// One JSON object, in the order of adding. Values are escaped, names are not.
class JsonObject {
 public:
  /// A number.
  JsonObject& add(std::string_view name, std::uint64_t value);
  /// A number or null.
  JsonObject& add(std::string_view name, std::optional<std::uint64_t> value);
  /// A text.
  JsonObject& add(std::string_view name, std::string_view value);
  /// A truth value; by name, so that no pointer becomes one.
  JsonObject& add_bool(std::string_view name, bool value);
  /// A value that is JSON already.
  JsonObject& add_json(std::string_view name, std::string_view json);
  /// The object, without a line feed.
  [[nodiscard]] std::string text() const { return text_ + "}"; }

 private:
  std::string text_ = "{";
};

/// One line of a table.
using Row = std::vector<std::string>;

/// Columns as wide as their widest cell; the first one leans left, the others right.
/// Requires: a first row, and none that is shorter or longer than it.
std::string as_table(const std::vector<Row>& rows);

/// A JSON array of values that are JSON already.
std::string json_array(const std::vector<std::string>& values);

}  // namespace edgepost::cli
