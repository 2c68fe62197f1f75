#pragma once

extern "C" {
#include <mbedtls/pk.h>
#include <mbedtls/psa_util.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crl.h>
#include <mbedtls/x509_crt.h>
}

#include <string>

namespace edgepost::tls {

/// Owns: one object of Mbed TLS, in place.
template <typename Object, void (*kInit)(Object*), void (*kFree)(Object*)>
class Owned {
 public:
  Owned() { kInit(&object_); }
  ~Owned() { kFree(&object_); }
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;

  Object* get() { return &object_; }
  [[nodiscard]] const Object* get() const { return &object_; }

 private:
  Object object_;
};

using Certificates = Owned<mbedtls_x509_crt, mbedtls_x509_crt_init, mbedtls_x509_crt_free>;
using RevocationLists = Owned<mbedtls_x509_crl, mbedtls_x509_crl_init, mbedtls_x509_crl_free>;
using Key = Owned<mbedtls_pk_context, mbedtls_pk_init, mbedtls_pk_free>;
using Config = Owned<mbedtls_ssl_config, mbedtls_ssl_config_init, mbedtls_ssl_config_free>;
using Context = Owned<mbedtls_ssl_context, mbedtls_ssl_init, mbedtls_ssl_free>;
using Session = Owned<mbedtls_ssl_session, mbedtls_ssl_session_init, mbedtls_ssl_session_free>;

/// What Mbed TLS calls an error of its own.
std::string error_text(int code);

}  // namespace edgepost::tls
