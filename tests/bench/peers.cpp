#include "bench/peers.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "edgepost/status.hpp"

namespace edgepost::bench {

RawFile::RawFile(const std::string& path) : file_(::open(path.c_str(), O_CREAT | O_WRONLY, 0600)) {
  EDGEPOST_ASSERT(file_ >= 0);
}

RawFile::~RawFile() { ::close(file_); }

void RawFile::append(std::size_t bytes) {
  block_.resize(bytes, 'x');
  EDGEPOST_ASSERT(::write(file_, block_.data(), bytes) == static_cast<ssize_t>(bytes));
  EDGEPOST_ASSERT(::fdatasync(file_) == 0);
}

void RawFile::overwrite() {
  EDGEPOST_ASSERT(::pwrite(file_, "position", 8, 0) == 8);
  EDGEPOST_ASSERT(::fdatasync(file_) == 0);
}

Database::Database(const std::string& path, const std::string& vfs, const char* schema) {
  EDGEPOST_ASSERT(sqlite3_initialize() == SQLITE_OK);
  EDGEPOST_ASSERT(sqlite3_open_v2(path.c_str(), &db_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                                  vfs.empty() ? nullptr : vfs.c_str()) == SQLITE_OK);
  run("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=250;"
      "PRAGMA cache_size=-256");
  run(schema);
}

Database::~Database() {
  for (sqlite3_stmt* statement : statements_)
    sqlite3_finalize(statement);
  sqlite3_close(db_);
}

void Database::run(const char* sql) {
  EDGEPOST_ASSERT(sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
}

sqlite3_stmt* Database::prepare(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  EDGEPOST_ASSERT(sqlite3_prepare_v2(db_, sql, -1, &statement, nullptr) == SQLITE_OK);
  statements_.push_back(statement);
  return statement;
}

void Database::step(sqlite3_stmt* statement) {
  EDGEPOST_ASSERT(sqlite3_step(statement) == SQLITE_DONE);
  sqlite3_reset(statement);
}

BareTable::BareTable(const std::string& path)
    : db_(path, {},
          "CREATE TABLE segment (last_seq INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;"
          "INSERT INTO segment VALUES (0, zeroblob(64))"),
      insert_(db_.prepare("INSERT INTO segment VALUES (?1, ?2)")),
      books_(db_.prepare("UPDATE segment SET data = randomblob(64) WHERE last_seq = 0")) {}

void BareTable::publish_group(std::size_t group, const std::string& data) {
  std::string segment;
  for (std::size_t i = 0; i < group; ++i)
    segment += data;
  last_ += static_cast<std::int64_t>(group);
  db_.run("BEGIN IMMEDIATE");
  sqlite3_bind_int64(insert_, 1, last_);
  sqlite3_bind_blob(insert_, 2, segment.data(), static_cast<int>(segment.size()), SQLITE_STATIC);
  Database::step(insert_);
  Database::step(books_);
  db_.run("COMMIT");
}

TextbookOutbox::TextbookOutbox(const std::string& path, const std::string& vfs)
    : db_(path, vfs,
          "CREATE TABLE outbox (id INTEGER PRIMARY KEY, topic TEXT, data BLOB, status INTEGER);"
          "CREATE INDEX pending ON outbox (status, id)"),
      insert_(db_.prepare("INSERT INTO outbox (topic, data, status) VALUES (?1, ?2, 0)")),
      next_(db_.prepare("SELECT id FROM outbox WHERE status = 0 ORDER BY id LIMIT 1")),
      mark_(db_.prepare("UPDATE outbox SET status = 1 WHERE id = ?1")),
      remove_(db_.prepare("DELETE FROM outbox WHERE id = ?1")) {}

void TextbookOutbox::publish_group(std::size_t group, const std::string& data) {
  db_.run("BEGIN IMMEDIATE");
  for (std::size_t i = 0; i < group; ++i) {
    sqlite3_bind_text(insert_, 1, "plant/line4/temperature", -1, SQLITE_STATIC);
    sqlite3_bind_blob(insert_, 2, data.data(), static_cast<int>(data.size()), SQLITE_STATIC);
    Database::step(insert_);
  }
  db_.run("COMMIT");
}

void TextbookOutbox::drain(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    EDGEPOST_ASSERT(sqlite3_step(next_) == SQLITE_ROW);
    const std::int64_t id = sqlite3_column_int64(next_, 0);
    sqlite3_reset(next_);
    sqlite3_bind_int64(mark_, 1, id);
    Database::step(mark_);
    sqlite3_bind_int64(remove_, 1, id);
    Database::step(remove_);
  }
}

void TextbookOutbox::drain_batch(std::size_t count) {
  db_.run("BEGIN IMMEDIATE");
  drain(count);
  db_.run("COMMIT");
}

}  // namespace edgepost::bench
