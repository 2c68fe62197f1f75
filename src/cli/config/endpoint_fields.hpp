#pragma once

#include "cli/config/config.hpp"
#include "cli/config/field.hpp"

namespace edgepost::cli {

/// Reads one element of `endpoints`, by the table that its URL's scheme asks for.
void read_endpoint(const wire::JsonNode& node, EndpointPlan& plan, Reading& reading);

/// Appends what may stand in an endpoint.
void explain_endpoints(std::size_t indent, std::string& out);

}  // namespace edgepost::cli
