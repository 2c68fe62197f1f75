#pragma once

#include <string>

#include "bench/bench.hpp"

namespace edgepost::bench {

/// Opening and draining with each number of events pending. Each is measured by a process of its
/// own, `program` --backlog, whose memory nobody used before.
void backlogs(const std::string& program, const Effort& effort);

/// What that process does: opens the database, drains it and prints what that took. Exit status.
int measure_backlog(const char* database);

/// What the files have grown to after a million events went in and out.
void in_and_out(const Effort& effort);

}  // namespace edgepost::bench
