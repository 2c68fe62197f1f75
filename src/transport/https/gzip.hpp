#pragma once

#include <string>
#include <string_view>

namespace edgepost::https {

/// `bytes` as one gzip member (RFC 1952), compressed with the fixed codes of DEFLATE (RFC 1951,
/// section 3.2.6). Takes 96 KiB of memory meanwhile. Why not zlib: docs/decisions has the figures.
std::string gzip(std::string_view bytes);

}  // namespace edgepost::https
