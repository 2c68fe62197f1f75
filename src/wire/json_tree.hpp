#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace edgepost::wire {

/// What a JSON value is.
enum class JsonKind : unsigned char { null, boolean, number, text, array, object };

/// One value of a JSON text that a person wrote: it knows where it stands, so that an error can say
/// so.
struct JsonNode {
  JsonKind kind = JsonKind::null;    ///< See JsonKind.
  unsigned line = 1;                 ///< Where it begins, from 1.
  std::string path{};                ///< `$.streams[0].name`.
  std::string name{};                ///< Of a member of an object.
  std::string text{};                ///< Of a text; a number or boolean as written.
  std::vector<JsonNode> children{};  ///< Members of an object, elements of an array, in order.

  /// The first member of that name; null when there is none.
  [[nodiscard]] const JsonNode* find(std::string_view wanted) const;
};

/// A JSON text that was read, or why and where it is none.
struct JsonTree {
  JsonNode root{};          ///< Its path is `$`.
  std::string error{};      ///< Empty: it was read.
  unsigned error_line = 1;  ///< From 1.
};

/// Reads one JSON text (RFC 8259) of at most 1 MiB, nested 16 deep at most. Names in an object may
/// repeat.
JsonTree read_json_tree(std::string_view json);

}  // namespace edgepost::wire
