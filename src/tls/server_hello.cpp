#include "tls/server_hello.hpp"

#include <cstddef>

namespace edgepost::tls {
namespace {

constexpr std::size_t kHandshakeRecord = 22;
constexpr std::size_t kServerHello = 2;
constexpr std::size_t kExtendedMasterSecret = 23;

/// Reads big-endian numbers; past the end everything is zero.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  std::size_t number(std::size_t size) {
    std::size_t value = 0;
    for (; size > 0; --size) {
      value = value << 8U;
      if (!bytes_.empty()) value |= static_cast<unsigned char>(bytes_.front());
      skip(1);
    }
    return value;
  }
  void skip(std::size_t size) { bytes_.remove_prefix(size < bytes_.size() ? size : bytes_.size()); }
  [[nodiscard]] bool is_at_end() const { return bytes_.empty(); }

 private:
  std::string_view bytes_;
};

}  // namespace

bool has_extended_master_secret(std::string_view bytes) {
  Reader hello(bytes);
  if (hello.number(1) != kHandshakeRecord) return false;
  hello.skip(4);  // version and length of the record
  if (hello.number(1) != kServerHello) return false;
  const std::size_t size = hello.number(3);
  constexpr std::size_t kBeforeSize = 9;
  if (bytes.size() < kBeforeSize + size) return false;
  hello = Reader(bytes.substr(kBeforeSize, size));
  hello.skip(2 + 32);           // version, random
  hello.skip(hello.number(1));  // session id
  hello.skip(2 + 1 + 2);        // cipher suite, compression, size of the extensions
  while (!hello.is_at_end()) {
    if (hello.number(2) == kExtendedMasterSecret) return true;
    hello.skip(hello.number(2));
  }
  return false;
}

}  // namespace edgepost::tls
