#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace edgepost {

inline constexpr std::size_t kCrc32cBytes = 4;

/// CRC-32C (Castagnoli, RFC 3720 appendix B.4) of `bytes`, going on from `before`, the CRC of what
/// stands before them.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t before = 0);

}  // namespace edgepost
