#include "tls/crypto.hpp"

extern "C" {
#include <mbedtls/chachapoly.h>
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/error.h>
#include <mbedtls/gcm.h>
#include <mbedtls/sha256.h>
#include <mbedtls/sha512.h>
#include <psa/crypto.h>
}

#include <array>

#include "tls/mbed.hpp"

namespace edgepost::tls {
namespace {

Status check() {
  if (::psa_crypto_init() != PSA_SUCCESS) {
    return {Code::unsupported, "tls: the cryptography does not start; is there /dev/urandom?"};
  }
#ifdef MBEDTLS_SELF_TEST
  struct Check {
    const char* name;
    int (*run)(int);
  };
  // Not the elliptic curves: that takes a second on a small gateway, and a key exchange that is
  // wrong cannot succeed.
  constexpr std::array kChecks{
      Check{"SHA-256", mbedtls_sha256_self_test},
      Check{"SHA-384", mbedtls_sha384_self_test},
      Check{"AES-GCM", mbedtls_gcm_self_test},
      Check{"ChaCha20-Poly1305", mbedtls_chachapoly_self_test},
      Check{"CTR-DRBG", mbedtls_ctr_drbg_self_test},
  };
  for (const Check& known : kChecks) {
    if (known.run(0) != 0) {
      return {Code::unsupported, std::string("tls: ") + known.name +
                                     " fails its known-answer test: the build is broken"};
    }
  }
#endif
  return {};
}

}  // namespace

Status start_crypto() {
  static const Status outcome = check();
  return outcome;
}

std::string error_text(int code) {
  std::array<char, 160> text{};
  mbedtls_strerror(code, text.data(), text.size());
  return text.data();
}

}  // namespace edgepost::tls
