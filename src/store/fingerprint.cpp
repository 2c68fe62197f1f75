#include "store/fingerprint.hpp"

#include <algorithm>
#include <map>
#include <tuple>

#include "store/schema.hpp"
#include "store/sql.hpp"

namespace edgepost::store {
namespace {

/// Type, name, table; the text that made it.
using Objects = std::map<std::tuple<std::string, std::string, std::string>, std::string>;

constexpr const char* kSelect =
    "SELECT type, name, tbl_name, sql FROM sqlite_schema"
    " WHERE name LIKE 'edgepost\\_%' ESCAPE '\\' OR tbl_name LIKE 'edgepost\\_%' ESCAPE '\\'";

std::string text(sqlite3_stmt* row, int column) {
  const unsigned char* bytes = sqlite3_column_text(row, column);
  return bytes == nullptr ? "" : reinterpret_cast<const char*>(bytes);
}

int read_objects(sqlite3* db, Objects& objects) {
  sqlite3_stmt* select = nullptr;
  int rc = sqlite3_prepare_v2(db, kSelect, -1, &select, nullptr);
  while (rc == SQLITE_OK && (rc = sqlite3_step(select)) == SQLITE_ROW) {
    objects[{text(select, 0), text(select, 1), text(select, 2)}] = text(select, 3);
    rc = SQLITE_OK;
  }
  sqlite3_finalize(select);
  return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

// What this version makes is asked of this version, in memory: a list to compare with would have
// to follow every migration, and every wording of SQLite's.
Status read_expected(Connection& connection, std::int64_t version, Objects& objects) {
  sqlite3_vfs* vfs = nullptr;
  sqlite3_file_control(connection.handle(), "main", SQLITE_FCNTL_VFS_POINTER, &vfs);
  sqlite3* db = nullptr;
  constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY | SQLITE_OPEN_NOMUTEX;
  int rc = sqlite3_open_v2(":memory:", &db, kFlags, vfs->zName);
  for (std::size_t i = 0; rc == SQLITE_OK && i < static_cast<std::size_t>(version); ++i) {
    rc = sqlite3_exec(db, std::string(sql::files[i].text).c_str(), nullptr, nullptr, nullptr);
  }
  if (rc == SQLITE_OK) rc = read_objects(db, objects);
  sqlite3_close(db);
  return connection.check(rc, "its schema cannot be compared");
}

Status add_segment_tables(Connection& connection, Objects& objects) {
  Result<Statement> streams = connection.prepare("SELECT id FROM edgepost_stream");
  if (!streams) return streams.status();
  while (true) {
    const Result<bool> row = connection.step(*streams);
    if (!row) return row.status();
    if (!*row) return {};
    const auto id = static_cast<std::uint32_t>(streams->integer(0));
    const std::string name = segment_table_name(id);
    objects[{"table", name, name}] = segment_table_sql(id);
  }
}

}  // namespace

Result<SchemaDifference> compare_schema(Connection& connection) {
  const Result<std::int64_t> found = connection.integer("PRAGMA user_version");
  if (!found) return found.status();
  const auto last = static_cast<std::int64_t>(sql::files.size());
  const std::int64_t version = std::clamp<std::int64_t>(*found, 0, last);
  Objects expected;
  if (Status status = read_expected(connection, version, expected); !status.is_ok()) return status;
  Objects actual;
  const int rc = read_objects(connection.handle(), actual);
  if (rc != SQLITE_OK) return connection.check(rc, "its schema cannot be read");
  SchemaDifference difference;
  if (version > 0) {
    const Status status = add_segment_tables(connection, expected);
    if (status.code() == Code::io_error) return status;
    if (!status.is_ok()) difference.broken.push_back("table edgepost_stream");
  }
  const auto named = [](const Objects::value_type& object) {
    const auto& [type, name, table] = object.first;
    return type + " " + name + (name == table ? "" : " on " + table);
  };
  for (const auto& object : expected) {
    const auto same = actual.find(object.first);
    if (same == actual.end() || same->second != object.second) {
      difference.broken.push_back(named(object));
    }
  }
  Objects known;  // whoever has what only a later version makes has a version that is damaged
  if (version < last) {
    if (Status status = read_expected(connection, last, known); !status.is_ok()) return status;
  }
  for (const auto& object : actual) {
    if (expected.contains(object.first)) continue;
    // Segments without their stream: its row is what is missing.
    const bool is_segments = std::get<1>(object.first).starts_with("edgepost_segment_") &&
                             std::get<0>(object.first) == "table";
    const bool is_later = known.contains(object.first);
    (is_segments || is_later ? difference.broken : difference.strange).push_back(named(object));
  }
  return difference;
}

}  // namespace edgepost::store
