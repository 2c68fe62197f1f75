#include "tls/verdict.hpp"

extern "C" {
#include <mbedtls/base64.h>
#include <mbedtls/oid.h>
}

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <string_view>

#include "tls/digest.hpp"
#include "tls/names.hpp"

namespace edgepost::tls {
namespace {

std::string_view text(const mbedtls_asn1_buf& buffer) {
  return {reinterpret_cast<const char*>(buffer.p), buffer.len};
}

Timestamp to_timestamp(const mbedtls_x509_time& time) {
  using namespace std::chrono;  // NOLINT: year, month, day and their operators
  const auto day_of_month = std::chrono::day(static_cast<unsigned>(time.day));
  const auto date = year(time.year) / month(static_cast<unsigned>(time.mon)) / day_of_month;
  return Timestamp(sys_days(date)) + hours(time.hour) + minutes(time.min) + seconds(time.sec);
}

std::string to_text(Timestamp time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  std::array<char, 64> shown{};
  std::snprintf(shown.data(), shown.size(), "%04d-%02u-%02uT%02d:%02d:%02dZ",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return shown.data();
}

std::string subject(const mbedtls_x509_name& name) {
  std::array<char, 512> shown{};
  mbedtls_x509_dn_gets(shown.data(), shown.size(), &name);
  return "'" + printable(shown.data()) + "'";
}

unsigned kind_of(const mbedtls_x509_sequence& name) {
  return name.buf.tag & MBEDTLS_ASN1_TAG_VALUE_MASK;
}

bool is_for_servers(const mbedtls_x509_crt& certificate) {
  return mbedtls_x509_crt_check_extended_key_usage(&certificate, MBEDTLS_OID_SERVER_AUTH,
                                                   MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH)) == 0;
}

std::string pin_of(const mbedtls_x509_crt& certificate) { return sha256(text(certificate.pk_raw)); }

std::string base64(std::string_view bytes) {
  std::array<unsigned char, 64> shown{};
  std::size_t size = 0;
  mbedtls_base64_encode(shown.data(), shown.size(), &size,
                        reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  return {reinterpret_cast<const char*>(shown.data()), size};
}

/// The first of `list` whose subject is the issuer of `certificate`, or null.
const mbedtls_x509_crt* issuer_in(const mbedtls_x509_crt* list,
                                  const mbedtls_x509_crt& certificate) {
  while (list != nullptr &&
         (list->version == 0 || text(list->subject_raw) != text(certificate.issuer_raw))) {
    list = list->next;
  }
  return list;
}

struct Finding {
  std::uint32_t flag;
  const char* words;
};

constexpr std::array kFindings{
    Finding{MBEDTLS_X509_BADCERT_REVOKED, " is revoked"},
    Finding{MBEDTLS_X509_BADCERT_BAD_MD, " is signed with an outdated hash"},
    Finding{MBEDTLS_X509_BADCERT_BAD_PK, " is signed by an algorithm that is not accepted"},
    Finding{MBEDTLS_X509_BADCERT_BAD_KEY, " or its issuer's has a key that is too weak"},
    Finding{MBEDTLS_X509_BADCRL_NOT_TRUSTED, ": the revocation list of its issuer is not genuine"},
    Finding{MBEDTLS_X509_BADCRL_EXPIRED, ": the revocation list of its issuer is out of date"},
    Finding{MBEDTLS_X509_BADCRL_FUTURE, ": the revocation list of its issuer is not valid yet"},
    Finding{MBEDTLS_X509_BADCRL_BAD_MD, ": the revocation list has an outdated hash"},
    Finding{MBEDTLS_X509_BADCRL_BAD_PK, ": the revocation list has an algorithm not accepted"},
    Finding{MBEDTLS_X509_BADCRL_BAD_KEY, ": the revocation list has a key that is too weak"},
};

}  // namespace

int Verdict::judge(void* verdict, mbedtls_x509_crt* certificate, int depth, std::uint32_t* flags) {
  static_cast<Verdict*>(verdict)->judge(*certificate, depth, *flags);
  return 0;
}

/// Called for the root first and the server's own certificate, of depth 0, last.
void Verdict::judge(const mbedtls_x509_crt& certificate, int depth, std::uint32_t& flags) {
  check_time(certificate, flags);
  if (!is_for_servers(certificate)) flags |= MBEDTLS_X509_BADCERT_EXT_KEY_USAGE;
  if (std::ranges::find(pins_, pin_of(certificate)) != pins_.end()) is_pinned_ = true;
  if ((flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED) != 0) {
    distrusted_ = &certificate;
    distrusted_depth_ = depth;
  }
  if (depth == 0) {
    is_reached_ = true;
    if (!is_host_named(certificate)) flags |= MBEDTLS_X509_BADCERT_CN_MISMATCH;
    if (!pins_.empty() && !is_pinned_) flags |= MBEDTLS_X509_BADCERT_OTHER;
  }
  note(certificate, depth, flags);
}

/// Mbed TLS asks the system for the time; the platform's clock decides here.
void Verdict::check_time(const mbedtls_x509_crt& certificate, std::uint32_t& flags) {
  constexpr std::uint32_t kTimes = MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE;
  flags &= ~kTimes;
  const Timestamp now = clock_.wall();
  const Timestamp end = to_timestamp(certificate.valid_to);
  valid_until_ = std::min(valid_until_, end);
  if (now > end) flags |= MBEDTLS_X509_BADCERT_EXPIRED;
  if (now < to_timestamp(certificate.valid_from)) flags |= MBEDTLS_X509_BADCERT_FUTURE;
}

/// Mbed TLS would take a common name where there is no alternative name, a DNS name for an address,
/// and a wildcard directly under a top-level domain.
bool Verdict::is_host_named(const mbedtls_x509_crt& certificate) const {
  const std::string address = address_bytes(host_);
  const bool has_names =
      mbedtls_x509_crt_has_ext_type(&certificate, MBEDTLS_X509_EXT_SUBJECT_ALT_NAME) != 0;
  const auto* name = has_names ? &certificate.subject_alt_names : nullptr;
  for (; name != nullptr; name = name->next) {
    if (!address.empty() && kind_of(*name) == MBEDTLS_X509_SAN_IP_ADDRESS &&
        text(name->buf) == address) {
      return true;
    }
    if (address.empty() && kind_of(*name) == MBEDTLS_X509_SAN_DNS_NAME &&
        is_name_for(text(name->buf), host_)) {
      return true;
    }
  }
  return false;
}

void Verdict::note(const mbedtls_x509_crt& certificate, int depth, std::uint32_t flags) {
  const std::string who = depth == 0 ? "the server's certificate"
                                     : "the issuer's certificate " + subject(certificate.subject);
  const std::string clock = "; this machine's clock says " + to_text(clock_.wall());
  if ((flags & MBEDTLS_X509_BADCERT_EXPIRED) != 0) {
    add(who + " expired on " + to_text(to_timestamp(certificate.valid_to)) + clock);
  }
  if ((flags & MBEDTLS_X509_BADCERT_FUTURE) != 0) {
    add(who + " is not valid before " + to_text(to_timestamp(certificate.valid_from)) + clock);
  }
  for (const Finding& finding : kFindings) {
    if ((flags & finding.flag) != 0) add(who + finding.words);
  }
  if ((flags & MBEDTLS_X509_BADCERT_EXT_KEY_USAGE) != 0) {
    add(who + " is not for servers (extended key usage)");
  }
  if (depth > 0) return;
  if (distrusted_ != nullptr) add(describe_distrust(certificate));
  if ((flags & MBEDTLS_X509_BADCERT_CN_MISMATCH) != 0) add(describe_names(certificate));
  if ((flags & MBEDTLS_X509_BADCERT_OTHER) != 0) {
    add("no public key of the chain is among the pins; the server's own is " +
        base64(pin_of(certificate)));
  }
}

std::string Verdict::describe_names(const mbedtls_x509_crt& certificate) const {
  constexpr int kNamesMax = 8;
  std::string names;
  int count = 0;
  const bool has_names =
      mbedtls_x509_crt_has_ext_type(&certificate, MBEDTLS_X509_EXT_SUBJECT_ALT_NAME) != 0;
  const auto* name = has_names ? &certificate.subject_alt_names : nullptr;
  for (; name != nullptr && count < kNamesMax; name = name->next) {
    std::string shown;
    if (kind_of(*name) == MBEDTLS_X509_SAN_DNS_NAME) shown = printable(text(name->buf));
    if (kind_of(*name) == MBEDTLS_X509_SAN_IP_ADDRESS) shown = address_text(text(name->buf));
    if (shown.empty()) continue;
    names += (count++ == 0 ? "" : ", ") + shown;
  }
  if (names.empty()) {
    return "the server's certificate is not for " + host_ +
           ": it has no subject alternative name, and no other name counts";
  }
  return "the server's certificate is not for " + host_ + " but for " + names;
}

/// Mbed TLS says `not trusted` when it finds no issuer that may be one: this looks for the reason.
std::string Verdict::describe_distrust(const mbedtls_x509_crt& first) const {
  const mbedtls_x509_crt& last = *distrusted_;
  const std::string who = distrusted_depth_ == 0
                              ? "the server's certificate"
                              : "the issuer's certificate " + subject(last.subject);
  const std::string issuer = subject(last.issuer);
  const mbedtls_x509_crt* found = issuer_in(&roots_, last);
  if (found == nullptr && text(last.subject_raw) == text(last.issuer_raw)) {
    return who + " has signed itself and is not among the roots in ca_file";
  }
  if (found == nullptr) found = issuer_in(first.next, last);
  if (found == nullptr) {
    return who + " comes from " + issuer + ", which is neither in ca_file nor sent by the server";
  }
  if (found->MBEDTLS_PRIVATE(ca_istrue) == 0) {
    return who + " comes from " + issuer + ", which is no certificate authority (CA:FALSE)";
  }
  if (mbedtls_x509_crt_check_key_usage(found, MBEDTLS_X509_KU_KEY_CERT_SIGN) != 0) {
    return who + " comes from " + issuer + ", which may not sign certificates (key usage)";
  }
  // Mbed TLS keeps the length plus one, and 0 for none.
  const int length_max = found->MBEDTLS_PRIVATE(max_pathlen);
  if (length_max > 0 && length_max < 1 + distrusted_depth_) {
    return who + " comes from " + issuer + ", which allows no chain of this length (path length)";
  }
  return who + " has not been signed by " + issuer + ", as it says: the signature is wrong";
}

std::string Verdict::reasons(std::uint32_t flags) const {
  std::string all;
  const auto append = [&all](std::string_view reason) {
    if (!all.empty()) all += "; ";
    all += reason;
  };
  for (const std::string& reason : reasons_)
    append(reason);
  // Mbed TLS looks at this after the chain.
  if ((flags & MBEDTLS_X509_BADCERT_KEY_USAGE) != 0) {
    append("the server's certificate may not sign a handshake (key usage)");
  }
  return all;
}

}  // namespace edgepost::tls
