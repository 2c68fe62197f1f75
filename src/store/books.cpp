#include "store/books.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/bytes.hpp"
#include "base/crc32c.hpp"

namespace edgepost::store {
namespace {

// Format 1 had neither starts nor runs; 2 knew acknowledged and open only, and dropped no reasons;
// 3 had at most 65,536 sequences above a floor.
constexpr std::uint8_t kBooksFormat = 4;
constexpr std::uint64_t kOutcomes = 9;

void fail(ByteReader& reader) { reader.raw(~std::uint64_t{0}); }

void read_above(ByteReader& reader, std::uint8_t format, Floor& floor) {
  floor.start = reader.varint();
  std::uint64_t last = floor.floor;
  bool is_acknowledged = false;  // format 2: runs of open and acknowledged in turn
  for (std::uint64_t count = reader.varint(); count > 0 && !reader.has_failed(); --count) {
    const std::uint64_t head = reader.varint();
    const std::uint64_t length = format == 2 ? head : head / 16;
    const std::uint64_t outcome = format == 2 ? std::uint64_t{is_acknowledged} : head % 16;
    is_acknowledged = !is_acknowledged;
    if (outcome >= kOutcomes || last > kSequenceMax || length > kSequenceMax - last) {
      return fail(reader);
    }
    last += length;
    if (length == 0 || outcome == 0) continue;
    floor.above.push_back({last - length + 1, last, static_cast<Outcome>(outcome)});
  }
}

void write_above(ByteWriter& writer, const Floor& floor) {
  std::vector<Run> runs;
  std::uint64_t last = floor.floor;
  for (const Range& range : floor.above) {
    add_run(runs, Outcome::open, range.from - last - 1);
    add_run(runs, range.outcome, range.to - range.from + 1);
    last = range.to;
  }
  writer.varint(runs.size());
  for (const Run& run : runs)
    writer.varint(run.count * 16 + static_cast<std::uint64_t>(run.outcome));
}

// The figures in the order in which they stand, for reading and writing.
template <typename BooksType>
auto figures(BooksType& books) {
  auto& dropped = books.dropped;
  return std::array{&books.next_sequence, &books.done,          &books.trimmed,
                    &books.bytes,         &books.acknowledged,  &books.expired,
                    &books.dead,          &dropped.max_bytes,   &dropped.max_events,
                    &dropped.max_age,     &dropped.max_per_key, &dropped.damaged};
}

}  // namespace

// Counts the events behind `done` up to `sequence`.
void Books::count(Outcome outcome, std::uint64_t sequence) {
  if (sequence <= done) return;
  const auto end = std::upper_bound(dead_above.begin(), dead_above.end(), sequence);
  const auto counted = static_cast<std::uint64_t>(end - dead_above.begin());
  dead_above.erase(dead_above.begin(), end);
  dead += counted;
  const std::uint64_t others = sequence - done - counted;
  done = sequence;
  switch (outcome) {
    case Outcome::open:
    case Outcome::acknowledged:
    case Outcome::dead:  // but not the last to finish with it
      acknowledged += others;
      break;
    case Outcome::expired:
      expired += others;
      break;
    case Outcome::replaced:
      dropped.max_per_key += others;
      break;
    case Outcome::max_bytes:
      dropped.max_bytes += others;
      break;
    case Outcome::max_events:
      dropped.max_events += others;
      break;
    case Outcome::max_age:
      dropped.max_age += others;
      break;
    case Outcome::damaged:
      dropped.damaged += others;
      break;
  }
}

void Books::settle(std::uint64_t sequence, const Floor* witness, Outcome otherwise) {
  if (witness != nullptr) {
    count(otherwise, std::min(witness->passed_from, sequence));
    std::uint64_t end = witness->passed_from;
    for (const Run& run : witness->passed) {
      end += run.count;
      count(run.outcome, std::min(end, sequence));
    }
  }
  count(otherwise, sequence);
}

std::string Books::encode(std::uint32_t stream) const {
  std::string out;
  ByteWriter writer(out);
  writer.byte(kBooksFormat);
  for (const std::uint64_t* figure : figures(*this))
    writer.varint(*figure);
  writer.signed_varint(life.count());
  writer.varint(floors.size());
  for (const Floor& floor : floors) {
    writer.varint(floor.consumer);
    writer.varint(floor.floor);
    writer.varint(floor.start);
    write_above(writer, floor);
  }
  writer.varint(dead_above.size());
  for (const std::uint64_t sequence : dead_above)
    writer.varint(sequence - done);
  writer.fixed32(crc32c(out, stream));
  return out;
}

Result<Books> Books::decode(std::string_view bytes, std::uint32_t stream) {
  if (bytes.size() <= kCrc32cBytes) return Status(Code::corrupt, "row 0 is missing or short");
  const std::string_view content = bytes.substr(0, bytes.size() - kCrc32cBytes);
  ByteReader tail(bytes.substr(content.size()));
  if (tail.fixed32() != crc32c(content, stream)) {
    return Status(Code::corrupt, "row 0: checksum wrong");
  }
  ByteReader reader(content);
  const std::uint8_t format = reader.byte();
  if (format == 0 || format > kBooksFormat) {
    return Status(Code::unsupported, "row 0: format unknown: made by a newer edgepost");
  }
  Books books;
  if (format < 3) {
    for (std::uint64_t* figure : {&books.next_sequence, &books.done, &books.acknowledged,
                                  &books.expired, &books.dropped.max_bytes, &books.dead}) {
      *figure = reader.varint();
    }
    books.trimmed = books.done;
    books.has_bytes = false;
  } else {
    for (std::uint64_t* figure : figures(books))
      *figure = reader.varint();
    books.life = Duration(reader.signed_varint());
  }
  const std::uint64_t count = reader.varint();
  for (std::uint64_t i = 0; i < count && !reader.has_failed(); ++i) {
    Floor floor;
    floor.consumer = static_cast<std::uint32_t>(reader.varint());
    floor.floor = reader.varint();
    if (format >= 2) read_above(reader, format, floor);
    books.floors.push_back(std::move(floor));
  }
  const std::uint64_t dead_count = format < 3 ? 0 : reader.varint();
  for (std::uint64_t i = 0; i < dead_count && !reader.has_failed(); ++i)
    books.dead_above.push_back(books.done + reader.varint());
  if (reader.has_failed() || !reader.is_at_end() ||
      !std::is_sorted(books.dead_above.begin(), books.dead_above.end())) {
    return Status(Code::corrupt, "row 0 is malformed");
  }
  return books;
}

}  // namespace edgepost::store
