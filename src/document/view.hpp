#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "document/policy.hpp"
#include "document/state.hpp"

namespace edgepost::document {

/// The write of several that shows: of cloud or device where the policy says so, else the latest.
/// Requires: one at least.
const Write& shown(const Siblings& siblings, Policy policy, const Policies& policies);

/// What everybody sees who has this state, whoever asks: names with values as JSON. Where a name
/// has fields of several types, the one of its policy counts.
std::map<std::string, std::string> visible(const State& state, std::string_view document,
                                           const Policies& policies);

/// All values of a field that did not know of each other, the one that shows first.
std::vector<std::string> siblings(const State& state, std::string_view document,
                                  std::string_view field, const Policies& policies);

/// What a merge takes from somebody.
struct Conflict {
  enum class Kind : unsigned char {
    last_writer,
    authority,
    keep_both,
    merge_three,
    callback,
    delete_wins
  };
  Kind kind = Kind::last_writer;
  std::string field{};                ///< Empty: the whole document.
  Write won{};                        ///< Of last_writer and authority; with keep_both what shows.
  Write lost{};                       ///< The other one.
  std::vector<std::string> values{};  ///< keep_both, merge_three, callback: all, `won` first.
  std::vector<std::string> fields{};  ///< delete_wins: the fields that were written.
  bool is_local = false;              ///< Whether what loses was here before the merge.
};

/// The writes of `local` and `remote` that did not know of each other and differ. Nothing for what
/// was delivered before, for what one side has written after seeing the other, and for types that
/// have no conflicts.
std::vector<Conflict> find_conflicts(const State& local, const State& remote,
                                     std::string_view document, const Policies& policies);

}  // namespace edgepost::document
