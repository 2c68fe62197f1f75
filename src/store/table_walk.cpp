#include "store/table_walk.hpp"

#include <cstdint>
#include <deque>
#include <limits>
#include <utility>

namespace edgepost::store {
namespace {

using Take = std::function<Result<bool>(Statement& row)>;

// Each entry of a table costs some page reads; a table ruined all over is given up after so many.
constexpr int kEntriesMax = 10'000;

// A length that is nonsense is refused as too big, which has the code of a wrong call.
bool is_unreadable(const Status& status) {
  return status.code() == Code::corrupt || status.code() == Code::invalid_argument;
}

struct RowRange {
  std::int64_t low;
  std::int64_t high;
};

class Walk {
 public:
  Walk(Connection& from, const Take& take) : from_(from), take_(take) {}

  // Reads from one end of `range` as far as it goes and leaves the rest there; true: no rest.
  Result<bool> scan(Statement& statement, RowRange& range, bool is_up) {
    StatementUse select(statement);
    select->bind(1, range.low);
    select->bind(2, range.high);
    while (true) {
      const Result<bool> row = from_.step(statement);
      if (!row && is_unreadable(row.status())) return false;
      if (!row) return row.status();
      if (!*row) return true;
      const auto number = static_cast<std::int64_t>(select->integer(0));
      if (number < range.low || number > range.high) continue;  // damaged, and not in order
      const Result<bool> is_sound = take_(statement);
      if (!is_sound) return is_sound.status();
      if (!*is_sound) continue;  // its number may be wrong: what it passes over may be there
      if (number == (is_up ? range.high : range.low)) return true;
      (is_up ? range.low : range.high) = is_up ? number + 1 : number - 1;
    }
  }

 private:
  Connection& from_;
  const Take& take_;
};

}  // namespace

Result<bool> walk_table(Connection& from, const std::string& table, const std::string& columns,
                        const Take& take) {
  const std::string sql = "SELECT _rowid_, " + columns + " FROM " + table +
                          " WHERE _rowid_ BETWEEN ?1 AND ?2 ORDER BY _rowid_";
  Result<Statement> up = from.prepare(sql);
  if (!up) return up.status();
  Result<Statement> down = from.prepare(sql + " DESC");
  if (!down) return down.status();
  Walk walk(from, take);
  using Limits = std::numeric_limits<std::int64_t>;
  std::deque<RowRange> ranges{{Limits::min(), Limits::max()}};
  bool is_whole = true;
  for (int entries = 0; !ranges.empty() && entries < kEntriesMax; ++entries) {
    RowRange range = ranges.front();
    ranges.pop_front();
    Result<bool> done = walk.scan(*up, range, true);
    if (done && !*done) {
      is_whole = false;
      done = walk.scan(*down, range, false);
    }
    if (!done) return done.status();
    if (*done || range.low >= range.high) continue;
    const auto width =
        static_cast<std::uint64_t>(range.high) - static_cast<std::uint64_t>(range.low);
    const auto middle =
        static_cast<std::int64_t>(static_cast<std::uint64_t>(range.low) + width / 2);
    ranges.push_back({range.low, middle});
    ranges.push_back({middle + 1, range.high});
  }
  return is_whole;
}

Result<bool> walk_keyed_table(Connection& from, const std::string& table,
                              const std::string& columns, const Take& take) {
  Result<Statement> select = from.prepare("SELECT NULL, " + columns + " FROM " + table);
  if (!select) return select.status();
  while (true) {
    const Result<bool> row = from.step(*select);
    if (!row && is_unreadable(row.status())) return false;
    if (!row) return row.status();
    if (!*row) return true;
    if (const Result<bool> is_sound = take(*select); !is_sound) return is_sound.status();
  }
}

}  // namespace edgepost::store
