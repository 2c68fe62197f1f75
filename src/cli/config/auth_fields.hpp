#pragma once

#include "cli/config/field.hpp"

namespace edgepost::cli {

/// Reads an `auth` object: one member, the kind of proof.
void read_auth(const wire::JsonNode& node, HttpsAuth& out, Reading& reading);

/// Appends what may stand in an `auth` object.
void explain_auth(std::size_t indent, std::string& out);

}  // namespace edgepost::cli
