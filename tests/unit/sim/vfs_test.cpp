// The simulated disk beside the real one: SQLite must not see a difference.
#include <doctest.h>
#include <sqlite3.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "edgepost/sim/disk.hpp"
#include "sim/draw.hpp"
#include "support/temp_dir.hpp"

using namespace edgepost;
using sim::Disk;
using sim::Draw;

namespace {

// Two connections to one database, as a gateway has, and all they ever answered.
class Session {
 public:
  Session(std::string path, std::string vfs) : path_(std::move(path)), vfs_(std::move(vfs)) {
    sqlite3_initialize();
    open();
  }
  ~Session() { close(); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void open() {
    for (sqlite3*& connection : connections_) {
      const int rc =
          sqlite3_open_v2(path_.c_str(), &connection, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                          vfs_.empty() ? nullptr : vfs_.c_str());
      answers.push_back("open: " + std::to_string(rc));
    }
  }

  void close() {
    for (sqlite3* connection : connections_)
      sqlite3_close_v2(connection);
  }

  void run(std::size_t connection, const std::string& sql) {
    const auto add_row = [](void* to, int columns, char** values, char**) {
      for (int i = 0; i < columns; ++i)
        *static_cast<std::string*>(to) += std::string(values[i] != nullptr ? values[i] : "-") + "|";
      return 0;
    };
    std::string answer = sql.substr(0, 60) + ": ";
    const int rc =
        sqlite3_exec(connections_.at(connection), sql.c_str(), add_row, &answer, nullptr);
    answers.push_back(answer + std::to_string(rc));
  }

  std::vector<std::string> answers;

 private:
  std::string path_;
  std::string vfs_;
  std::array<sqlite3*, 2> connections_{};
};

std::string random_statement(Draw& draw) {
  const std::string key = std::to_string(draw.below(50));
  const std::string size = std::to_string(draw.below(4) == 0 ? draw.below(9000) : draw.below(90));
  switch (draw.below(14)) {
    case 0:
      return "BEGIN IMMEDIATE";
    case 1:
      return "COMMIT";
    case 2:
      return "ROLLBACK";
    case 3:
      return "SAVEPOINT s";
    case 4:
      return "ROLLBACK TO s";
    case 5:
      return "DELETE FROM t WHERE k > " + key;
    case 6:
      return "SELECT k, length(v), substr(v, 1, 8) FROM t ORDER BY v, k";
    case 7:
      return "UPDATE t SET v = zeroblob(" + size + ") WHERE k = " + key;
    case 8:
      return draw.below(3) == 0 ? "VACUUM" : "PRAGMA wal_checkpoint(TRUNCATE)";
    case 9:
      return "PRAGMA integrity_check";
    default:
      return "INSERT OR REPLACE INTO t VALUES (" + key + ", printf('%.*c', " + size + ", 'v'))";
  }
}

void play(Session& session, std::uint64_t seed) {
  Draw draw(seed);
  const bool is_wal = draw.below(2) == 0;
  session.run(0, is_wal ? "PRAGMA journal_mode=WAL" : "PRAGMA journal_mode=DELETE");
  session.run(0, "PRAGMA cache_size=10; PRAGMA wal_autocheckpoint=20");
  session.run(0, "CREATE TABLE t (k INTEGER PRIMARY KEY, v); CREATE INDEX i ON t (v)");
  for (int i = 0; i < 200; ++i) {
    session.run(static_cast<std::size_t>(draw.below(2)), random_statement(draw));
    if (draw.below(50) != 0) continue;
    session.close();
    session.open();
  }
}

}  // namespace

TEST_CASE("vfs: SQLite answers on the simulated disk as on the real one") {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    const test::TempDir dir;
    Session real(dir.file("same.db"), "");
    const Disk disk;
    Session simulated(dir.file("same.db"), disk.name());
    play(real, seed);
    play(simulated, seed);
    INFO("seed " << seed);
    CHECK(simulated.answers == real.answers);
  }
}

TEST_CASE("vfs: the same seed makes the same calls and the same bytes") {
  const auto run = [](std::uint64_t seed) {
    Disk disk({.seed = seed});
    Session session("/same.db", disk.name());
    play(session, 7);
    session.run(0, "CREATE TABLE r AS SELECT hex(randomblob(8)) AS x");
    return std::pair(disk.image(), disk.calls());
  };
  const auto once = run(1);
  CHECK(run(1) == once);
  CHECK(run(2).first != once.first);
}

TEST_CASE("vfs: a wait for a lock costs no time") {
  Disk disk;
  Session session("/busy.db", disk.name());
  session.run(0, "PRAGMA journal_mode=WAL; CREATE TABLE t (x); PRAGMA busy_timeout=100000");
  session.run(1, "PRAGMA busy_timeout=100000");
  session.run(0, "BEGIN IMMEDIATE");
  session.run(1, "BEGIN IMMEDIATE");
  CHECK(session.answers.back() == "BEGIN IMMEDIATE: " + std::to_string(SQLITE_BUSY));
}
