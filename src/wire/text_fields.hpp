#pragma once

#include <array>
#include <string>
#include <string_view>

#include "edgepost/event.hpp"
#include "edgepost/status.hpp"

namespace edgepost::wire {

/// A CloudEvents attribute that is a text of Event.
struct TextField {
  std::string_view name;
  std::string Event::*field;
};

/// All of them, by the names that they have on the wire.
inline constexpr std::array kTextFields = {
    TextField{"subject", &Event::topic},
    TextField{"partitionkey", &Event::key},
    TextField{"type", &Event::type},
    TextField{"source", &Event::source},
    TextField{"datacontenttype", &Event::content_type},
    TextField{"dataschema", &Event::schema},
    TextField{"correlationid", &Event::correlation_id},
    TextField{"causationid", &Event::causation_id},
    TextField{"traceparent", &Event::trace_parent},
};

/// What is wrong with the attribute `name`.
inline Status invalid_attribute(std::string_view name, std::string_view what) {
  return {Code::invalid_argument, std::string(name).append(": ").append(what)};
}

}  // namespace edgepost::wire
