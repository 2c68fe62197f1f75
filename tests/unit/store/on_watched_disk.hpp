#pragma once

#include "support/gateway_fixture.hpp"
#include "support/watched_disk.hpp"

namespace edgepost::test {

/// A gateway on a disk with a witness.
struct OnWatchedDisk : GatewayFixture {
  OnWatchedDisk() { options.platform.vfs = disk.name(); }
  ~OnWatchedDisk() { close(); }
  WatchedDisk disk;
};

}  // namespace edgepost::test
