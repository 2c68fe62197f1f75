#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace edgepost::document {

/// How the writes of several replicas to a field become one value.
enum class Policy : unsigned char {
  last_writer,   ///< The latest write; the others are told as lost.
  cloud_first,   ///< Of writes that did not know of each other, the cloud's.
  device_first,  ///< The device's.
  keep_both,     ///< All of them can be read; the latest is what shows.
  merge_three,   ///< Objects are merged member by member against what both had last.
  callback,      ///< The host decides.
  maximum,
  minimum,
  counter,
  set,
  log,
  cloud_owned,   ///< As last_writer, and devices may not write.
  device_owned,  ///< As last_writer, and the cloud may not write.
};

/// The type of the fields that it is for: a place in Field.
std::size_t type_of(Policy policy);

/// The policy of the fields that match.
struct PolicyRule {
  std::string documents{};  ///< Glob over keys: `*` stands for any characters, `?` for one.
  std::string fields{};     ///< Glob over field names.
  Policy policy = Policy::last_writer;
  bool update_wins = false;  ///< A write brings back a document that was deleted meanwhile.
};

/// The rules of all documents, and who is who. The same everywhere, or replicas would not agree.
class Policies {
 public:
  Policies() = default;
  /// The first rule that matches counts. `is_cloud` says which replicas are the cloud's.
  Policies(std::vector<PolicyRule> rules, std::function<bool(std::string_view)> is_cloud);

  [[nodiscard]] Policy of(std::string_view document, std::string_view field) const;
  /// By the first rule whose documents match, whatever its fields.
  [[nodiscard]] bool update_wins(std::string_view document) const;
  [[nodiscard]] bool is_cloud(std::string_view replica) const;

 private:
  std::vector<PolicyRule> rules_{};
  std::function<bool(std::string_view)> is_cloud_{};
};

/// True when `text` matches the glob.
bool glob_matches(std::string_view glob, std::string_view text);

}  // namespace edgepost::document
