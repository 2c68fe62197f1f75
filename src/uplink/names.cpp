#include "edgepost/transport.hpp"
#include "edgepost/uplink.hpp"

namespace edgepost {

std::string_view to_string(UplinkState state) {
  switch (state) {
    case UplinkState::stopped:
      return "stopped";
    case UplinkState::waiting:
      return "waiting";
    case UplinkState::connecting:
      return "connecting";
    case UplinkState::online:
      return "online";
    case UplinkState::draining:
      return "draining";
    case UplinkState::blocked:
      return "blocked";
  }
  return "unknown";
}

std::string_view to_string(BreakerState state) {
  switch (state) {
    case BreakerState::closed:
      return "closed";
    case BreakerState::open:
      return "open";
    case BreakerState::half_open:
      return "half_open";
  }
  return "unknown";
}

std::string_view to_string(Health health) {
  switch (health) {
    case Health::healthy:
      return "healthy";
    case Health::degraded:
      return "degraded";
    case Health::down:
      return "down";
  }
  return "unknown";
}

std::string_view to_string(AnswerClass answer) {
  switch (answer) {
    case AnswerClass::acknowledged:
      return "acknowledged";
    case AnswerClass::link_down:
      return "link_down";
    case AnswerClass::slow_down:
      return "slow_down";
    case AnswerClass::credentials:
      return "credentials";
    case AnswerClass::configuration:
      return "configuration";
    case AnswerClass::too_large:
      return "too_large";
    case AnswerClass::suspect:
      return "suspect";
    case AnswerClass::conflict:
      return "conflict";
  }
  return "unknown";
}

}  // namespace edgepost
