#include "transport/mqtt/confirmations.hpp"

#include <algorithm>

namespace edgepost::mqtt {

std::optional<std::uint64_t> Confirmations::take(const EventId& id) {
  const auto found = waiting_.find(id);
  if (found == waiting_.end()) return {};
  found->second.is_taken = true;
  if (!found->second.is_confirmed) return {};
  const std::uint64_t token = found->second.token;
  waiting_.erase(found);
  return token;
}

std::vector<std::uint64_t> Confirmations::read(std::string_view lines) {
  std::vector<std::uint64_t> proven;
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    std::string_view line = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 1, lines.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    const Result<EventId> id = EventId::parse(line);
    const auto found = id.is_ok() ? waiting_.find(*id) : waiting_.end();
    if (found == waiting_.end()) continue;
    found->second.is_confirmed = true;
    if (!found->second.is_taken) continue;
    proven.push_back(found->second.token);
    waiting_.erase(found);
  }
  return proven;
}

}  // namespace edgepost::mqtt
