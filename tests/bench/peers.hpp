#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <string>
#include <vector>

namespace edgepost::bench {

/// The floor: a file that grows by appending and is synced for each group.
class RawFile {
 public:
  explicit RawFile(const std::string& path);
  ~RawFile();
  RawFile(const RawFile&) = delete;
  RawFile& operator=(const RawFile&) = delete;

  void append(std::size_t bytes);
  /// Overwrites the first 8 bytes, as a reader's position is kept, and syncs.
  void overwrite();

 private:
  int file_;
  std::string block_;
};

/// An SQLite database with settings as edgepost has them.
class Database {
 public:
  Database(const std::string& path, const std::string& vfs, const char* schema);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void run(const char* sql);
  sqlite3_stmt* prepare(const char* sql);
  static void step(sqlite3_stmt* statement);

 private:
  sqlite3* db_ = nullptr;
  std::vector<sqlite3_stmt*> statements_;
};

/// Bare SQLite with edgepost's table: a row for each commit, and row 0 rewritten with it.
class BareTable {
 public:
  explicit BareTable(const std::string& path);
  void publish_group(std::size_t group, const std::string& data);

 private:
  Database db_;
  sqlite3_stmt* insert_;
  sqlite3_stmt* books_;
  std::int64_t last_ = 0;
};

/// The outbox as textbooks have it: a row for each event with a status, which is set when the
/// event was sent; then the row is deleted.
class TextbookOutbox {
 public:
  explicit TextbookOutbox(const std::string& path, const std::string& vfs = {});
  void publish_group(std::size_t group, const std::string& data);
  /// One event at a time.
  void drain(std::size_t count);
  /// One transaction for all of them.
  void drain_batch(std::size_t count);

 private:
  Database db_;
  sqlite3_stmt* insert_;
  sqlite3_stmt* next_;
  sqlite3_stmt* mark_;
  sqlite3_stmt* remove_;
};

/// Whether the benchmark was built with Paho MQTT C.
bool has_paho();

/// Messages per second that it takes with file persistence while no broker is there; 0 without it.
double paho_offline_rate(const std::string& directory, std::size_t count, const std::string& data);

}  // namespace edgepost::bench
