#include "gateway_parts.hpp"

namespace edgepost {

Result<std::vector<DeadLetter>> Gateway::dead_letters(const DeadLetterQuery& query,
                                                      std::size_t limit) {
  return parts_->store->dead_letters(query, limit);
}

Result<std::vector<DeadLetterGroup>> Gateway::dead_letter_groups(const DeadLetterQuery& query) {
  return parts_->store->dead_letter_groups(query);
}

Result<std::uint64_t> Gateway::requeue(const DeadLetterQuery& query) {
  return parts_->store->requeue(query);
}

Result<std::uint64_t> Gateway::purge(const DeadLetterQuery& query) {
  return parts_->store->purge(query);
}

}  // namespace edgepost
