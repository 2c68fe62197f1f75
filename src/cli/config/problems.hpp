#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "wire/json_tree.hpp"

namespace edgepost::cli {

/// Where in the configuration something stands, for errors that show up later.
struct Origin {
  std::string path = "$";  ///< `$.uplinks[0]`.
  unsigned line = 1;       ///< From 1.
};

/// The place of `node`.
inline Origin origin_of(const wire::JsonNode& node) { return {node.path, node.line}; }

/// All that is wrong with a configuration.
class Problems {
 public:
  /// Notes that something is wrong at `origin`. What begins with the name of a field and a colon,
  /// as the library's own messages do, is put under that field.
  void add(Origin origin, std::string_view what);

  /// True when there are none.
  [[nodiscard]] bool is_empty() const { return found_.empty(); }

  /// True when something is wrong at the path or inside it.
  [[nodiscard]] bool concern(std::string_view path) const;

  /// True when something is wrong outside all arrays.
  [[nodiscard]] bool concern_top() const;

  /// One for each, in the order of the file: `12: $.uplinks[0].name: what is wrong`.
  [[nodiscard]] std::vector<std::string> lines() const;

 private:
  struct Problem {
    Origin origin;
    std::string what;
  };
  std::vector<Problem> found_;
};

}  // namespace edgepost::cli
