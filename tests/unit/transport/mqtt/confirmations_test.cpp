#include "transport/mqtt/confirmations.hpp"

#include <doctest.h>

namespace edgepost::mqtt {
namespace {

using Tokens = std::vector<std::uint64_t>;

const EventId kFirst = EventId::parse("0193a3b5-7c00-7000-8000-000000000001").value();
const EventId kSecond = EventId::parse("0193a3b5-7c00-7000-8000-000000000002").value();

}  // namespace

TEST_CASE("confirmations: an event is proven when it was taken and confirmed, in either order") {
  Confirmations confirmations;
  confirmations.expect(kFirst, 1);
  confirmations.expect(kSecond, 2);
  CHECK_FALSE(confirmations.take(kFirst).has_value());
  CHECK(confirmations.read(kFirst.to_string()) == Tokens{1});
  CHECK(confirmations.read(kSecond.to_string()).empty());
  CHECK(confirmations.take(kSecond) == 2);
}

TEST_CASE("confirmations: a message has one id on a line, and what is none is passed over") {
  Confirmations confirmations;
  confirmations.expect(kFirst, 1);
  confirmations.expect(kSecond, 2);
  confirmations.take(kFirst);
  confirmations.take(kSecond);
  CHECK(confirmations.read("").empty());
  CHECK(confirmations.read("\n\nok\n" + std::string(100'000, 'x')).empty());
  CHECK(confirmations.read(kSecond.to_string() + "\r\n" + kFirst.to_string() + "\n") ==
        Tokens{2, 1});
}

TEST_CASE("confirmations: what is not in flight, any more or at all, is not remembered") {
  Confirmations confirmations;
  CHECK(confirmations.read(kFirst.to_string()).empty());
  confirmations.expect(kFirst, 1);
  confirmations.take(kFirst);
  CHECK(confirmations.read(kFirst.to_string()) == Tokens{1});
  CHECK(confirmations.read(kFirst.to_string()).empty());
  confirmations.expect(kFirst, 3);
  confirmations.forget(kFirst);
  CHECK(confirmations.read(kFirst.to_string()).empty());
  CHECK_FALSE(confirmations.take(kFirst).has_value());
}

}  // namespace edgepost::mqtt
