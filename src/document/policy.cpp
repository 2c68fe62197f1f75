#include "document/policy.hpp"

#include <utility>

#include "document/state.hpp"

namespace edgepost::document {

std::size_t type_of(Policy policy) {
  switch (policy) {
    case Policy::last_writer:
    case Policy::cloud_owned:
    case Policy::device_owned:
      return kTypeOf<Register>;
    case Policy::cloud_first:
    case Policy::device_first:
    case Policy::keep_both:
    case Policy::merge_three:
    case Policy::callback:
      return kTypeOf<Siblings>;
    case Policy::maximum:
      return kTypeOf<Maximum>;
    case Policy::minimum:
      return kTypeOf<Minimum>;
    case Policy::counter:
      return kTypeOf<Counter>;
    case Policy::set:
      return kTypeOf<Set>;
    case Policy::log:
      return kTypeOf<Log>;
  }
  return kTypeOf<Register>;
}

Policies::Policies(std::vector<PolicyRule> rules, std::function<bool(std::string_view)> is_cloud)
    : rules_(std::move(rules)), is_cloud_(std::move(is_cloud)) {}

Policy Policies::of(std::string_view document, std::string_view field) const {
  for (const PolicyRule& rule : rules_) {
    if (glob_matches(rule.documents, document) && glob_matches(rule.fields, field))
      return rule.policy;
  }
  return Policy::last_writer;
}

bool Policies::update_wins(std::string_view document) const {
  for (const PolicyRule& rule : rules_) {
    if (glob_matches(rule.documents, document)) return rule.update_wins;
  }
  return false;
}

bool Policies::is_cloud(std::string_view replica) const { return is_cloud_ && is_cloud_(replica); }

bool glob_matches(std::string_view glob, std::string_view text) {
  std::size_t at = 0;
  std::size_t place = 0;
  std::size_t star = std::string_view::npos;  // the last `*`, and what it takes so far
  std::size_t taken = 0;
  while (at < text.size()) {
    if (place < glob.size() && glob[place] == '*') {
      star = place++;
      taken = at;
    } else if (place < glob.size() && (glob[place] == '?' || glob[place] == text[at])) {
      ++place;
      ++at;
    } else if (star != std::string_view::npos) {
      place = star + 1;
      at = ++taken;
    } else {
      return false;
    }
  }
  return glob.find_first_not_of('*', place) == std::string_view::npos;
}

}  // namespace edgepost::document
