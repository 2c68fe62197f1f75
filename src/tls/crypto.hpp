#pragma once

#include "edgepost/status.hpp"

namespace edgepost::tls {

/// Makes the cryptography ready, and the first time in a process asks it for known answers. Every
/// further call gives the outcome of the first.
/// Errors: unsupported: it must not be trusted, or has no randomness.
Status start_crypto();

}  // namespace edgepost::tls
