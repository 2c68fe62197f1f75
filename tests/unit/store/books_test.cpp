#include "store/books.hpp"

#include <doctest.h>

#include <cstdint>
#include <string>

#include "base/bytes.hpp"
#include "base/crc32c.hpp"

using namespace edgepost;
using namespace edgepost::store;

namespace {

Books some_books() {
  Books books;
  books.next_sequence = 900;
  books.done = 500;
  books.trimmed = 400;
  books.bytes = 123'456;
  books.life = std::chrono::hours(7);
  books.acknowledged = 480;
  books.dropped.max_age = 20;
  books.dead_above = {510, 520};
  Floor floor;
  floor.consumer = 3;
  floor.floor = 500;
  floor.start = 7;
  floor.above = {{502, 503, Outcome::expired},
                 {504, 504, Outcome::acknowledged},
                 {5'000'000, 6'000'000, Outcome::acknowledged}};
  books.floors.push_back(floor);
  return books;
}

std::string sealed(std::string content) {
  const std::uint32_t sum = crc32c(content, 1);
  ByteWriter(content).fixed32(sum);
  return content;
}

}  // namespace

TEST_CASE("books: what is written is read again") {
  const auto read = Books::decode(some_books().encode(1), 1);
  REQUIRE(read.is_ok());
  CHECK(read->next_sequence == 900);
  CHECK(read->trimmed == 400);
  CHECK(read->bytes == 123'456);
  CHECK(read->life == std::chrono::hours(7));
  CHECK(read->dropped.max_age == 20);
  CHECK(read->dead_above == std::vector<std::uint64_t>{510, 520});
  CHECK(read->floors.front().above == some_books().floors.front().above);
  CHECK(read->floors.front().start == 7);
}

TEST_CASE("books: events count as what their last consumer made of them") {
  Books books;
  books.dead_above = {4};
  Floor witness;
  witness.passed_from = 0;
  witness.floor = 6;
  witness.passed = {{Outcome::acknowledged, 2}, {Outcome::expired, 1}, {Outcome::dead, 3}};
  books.settle(5, &witness, Outcome::acknowledged);
  CHECK(books.done == 5);
  CHECK(books.acknowledged == 3);  // 5 is a dead letter of a consumer that was not the last
  CHECK(books.expired == 1);
  CHECK(books.dead == 1);
  CHECK(books.dead_above.empty());
}

TEST_CASE("books: what nobody tells of counts as the caller says") {
  Books books;
  Floor witness;
  witness.passed_from = 3;
  witness.floor = 4;
  witness.passed = {{Outcome::acknowledged, 1}};
  books.settle(6, &witness, Outcome::max_bytes);
  CHECK(books.acknowledged == 1);
  CHECK(books.dropped.max_bytes == 5);
}

TEST_CASE("books: a changed byte is noticed, and lengths are bounded") {
  std::string bytes = some_books().encode(1);
  CHECK(Books::decode(bytes, 2).status().code() == Code::corrupt);
  bytes[5] = static_cast<char>(bytes[5] ^ 1);
  CHECK(Books::decode(bytes, 1).status().code() == Code::corrupt);
  CHECK(Books::decode("", 1).status().code() == Code::corrupt);
  CHECK(Books::decode(sealed("\x63"), 1).status().code() == Code::unsupported);
  CHECK(Books::decode(sealed("\x03"), 1).status().code() == Code::corrupt);
  Books huge = some_books();
  huge.floors.front().above.push_back({7'000'000, ~std::uint64_t{0} / 16, Outcome::acknowledged});
  CHECK(Books::decode(huge.encode(1), 1).is_ok());
  huge.floors.front().floor = ~std::uint64_t{0} / 2;
  CHECK(Books::decode(huge.encode(1), 1).status().code() == Code::corrupt);
}
