#include "cli/config/problems.hpp"

#include <algorithm>

namespace edgepost::cli {

void Problems::add(Origin origin, std::string_view what) {
  constexpr std::string_view kNameLetters = "abcdefghijklmnopqrstuvwxyz0123456789_.[]";
  const auto end = what.find_first_not_of(kNameLetters);
  if (end != 0 && end != std::string_view::npos && what.substr(end, 2) == ": ") {
    origin.path.append(".").append(what.substr(0, end));
    what.remove_prefix(end + 2);
  }
  found_.push_back({std::move(origin), std::string(what)});
}

bool Problems::concern(std::string_view path) const {
  return std::ranges::any_of(found_, [path](const Problem& problem) {
    const std::string_view own = problem.origin.path;
    return own.starts_with(path) &&
           (own.size() == path.size() || own[path.size()] == '.' || own[path.size()] == '[');
  });
}

bool Problems::concern_top() const {
  return std::ranges::any_of(found_, [](const Problem& problem) {
    return problem.origin.path.find('[') == std::string::npos;
  });
}

std::vector<std::string> Problems::lines() const {
  std::vector<Problem> sorted = found_;
  std::ranges::stable_sort(sorted, {}, [](const Problem& problem) { return problem.origin.line; });
  std::vector<std::string> lines;
  for (const auto& [origin, what] : sorted)
    lines.push_back(std::to_string(origin.line) + ": " + origin.path + ": " + what);
  return lines;
}

}  // namespace edgepost::cli
