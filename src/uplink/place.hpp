#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>

namespace edgepost {

/// Where an event on its way came from.
struct Place {
  std::size_t stream = 0;      ///< Which one of the uplink's.
  std::uint64_t sequence = 0;  ///< Which event of it.

  auto operator<=>(const Place&) const = default;
};

}  // namespace edgepost
