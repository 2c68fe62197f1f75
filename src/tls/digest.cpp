#include "tls/digest.hpp"

extern "C" {
#include <mbedtls/md.h>
}

#include "edgepost/status.hpp"

namespace edgepost::tls {
namespace {

constexpr std::size_t kSha256Bytes = 32;

const unsigned char* raw(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

const mbedtls_md_info_t* sha256_info() { return mbedtls_md_info_from_type(MBEDTLS_MD_SHA256); }

}  // namespace

std::string sha256(std::string_view bytes) {
  std::string digest(kSha256Bytes, '\0');
  EDGEPOST_ASSERT(mbedtls_md(sha256_info(), raw(bytes), bytes.size(),
                             reinterpret_cast<unsigned char*>(digest.data())) == 0);
  return digest;
}

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
  std::string digest(kSha256Bytes, '\0');
  EDGEPOST_ASSERT(mbedtls_md_hmac(sha256_info(), raw(key), key.size(), raw(bytes), bytes.size(),
                                  reinterpret_cast<unsigned char*>(digest.data())) == 0);
  return digest;
}

}  // namespace edgepost::tls
