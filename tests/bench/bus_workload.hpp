#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace edgepost::bench {

/// Filters, and topics of which the filters know.
struct Topology {
  std::vector<std::string> filters;  ///< All different.
  std::vector<std::string> topics;
};

/// `count` filters over site/10/line/20/dev/100/metric/5: exact ones, and `+` and `#` mixed in.
Topology plant(std::size_t count);

/// The same topics, and filters of `shapes` shapes: any level may be `+`, and half of them end with
/// `#`.
Topology many_shapes(std::size_t count, std::size_t shapes);

}  // namespace edgepost::bench
