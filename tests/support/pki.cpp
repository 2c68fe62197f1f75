#include "support/pki.hpp"

#include <doctest.h>

namespace edgepost::test {
namespace {

void openssl(Words words, std::string_view input = {}) {
  words.insert(words.begin(), "openssl");
  const Outcome outcome = run(words, input);
  INFO(outcome.err);
  CHECK(outcome.code == 0);
}

}  // namespace

Pki::Pki() {
  write_file(file("serial"), "1000\n");
  write_file(file("ca.conf"), "[ca]\ndefault_ca=it\n[it]\ndatabase=" + file("index") +
                                  "\ndefault_md=sha256\ndefault_crl_days=3650\n");
}

void Pki::make_authority(const std::string& name, Wish wish, const std::string& constraint) {
  wish.names.clear();
  wish.extensions.insert(wish.extensions.begin(), "basicConstraints=" + constraint);
  make(name, wish);
}

void Pki::make(const std::string& name, const Wish& wish) {
  if (wish.key == "EC") {
    openssl(
        {"genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key(name)});
  } else {
    openssl({"genpkey", "-algorithm", "RSA", "-pkeyopt",
             "rsa_keygen_bits:" + wish.key.substr(wish.key.find(':') + 1), "-out", key(name)});
  }
  std::string extensions;
  for (const std::string& extension : wish.extensions)
    extensions += extension + "\n";
  if (!wish.names.empty()) extensions += "subjectAltName=" + wish.names + "\n";
  const std::string subject = wish.subject.empty() ? "/CN=" + name : wish.subject;
  write_file(file(name + ".ext"), extensions);
  openssl({"req", "-new", "-key", key(name), "-subj", subject, "-out", file(name + ".csr")});
  Words sign{"x509",  "-req", "-in",      file(name + ".csr"), "-out",         certificate(name),
             "-days", "3650", "-extfile", file(name + ".ext"), "-" + wish.hash};
  if (wish.issuer.empty()) {
    sign.insert(sign.end(), {"-signkey", key(name)});
  } else {
    sign.insert(sign.end(), {"-CA", certificate(wish.issuer), "-CAkey", key(wish.issuer),
                             "-CAserial", file("serial")});
  }
  openssl(sign);
}

void Pki::join(const std::string& name, const std::vector<std::string>& parts) const {
  std::string all;
  for (const std::string& part : parts)
    all += read_file(certificate(part));
  write_file(certificate(name), all);
}

void Pki::revoke(const std::string& issuer, const std::vector<std::string>& names,
                 const std::string& from, const std::string& to) const {
  write_file(file("index"), "");
  const Words authority{"-config",   file("ca.conf"), "-keyfile",
                        key(issuer), "-cert",         certificate(issuer)};
  for (const std::string& name : names) {
    Words revoking{"ca", "-revoke", certificate(name)};
    revoking.insert(revoking.end(), authority.begin(), authority.end());
    openssl(revoking);
  }
  Words listing{"ca", "-gencrl",         "-out", crl(issuer), "-crl_lastupdate",
                from, "-crl_nextupdate", to};
  listing.insert(listing.end(), authority.begin(), authority.end());
  openssl(listing);
}

std::string Pki::pin(const std::string& name) const {
  const Outcome outcome = run({"sh", "-c",
                               "openssl x509 -in \"$0\" -noout -pubkey | openssl pkey -pubin "
                               "-outform DER | openssl dgst -sha256 -binary | base64",
                               certificate(name)});
  return outcome.out.substr(0, outcome.out.find('\n'));
}

}  // namespace edgepost::test
