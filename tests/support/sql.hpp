#pragma once

#include <doctest.h>
#include <sqlite3.h>

#include <string>

namespace edgepost::test {

/// Runs SQL on a closed database behind the library's back, as somebody with another tool would.
inline void sql(const std::string& path, const std::string& text) {
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_initialize() == SQLITE_OK);
  REQUIRE(sqlite3_open(path.c_str(), &db) == SQLITE_OK);
  CHECK(sqlite3_exec(db, text.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(db);
}

}  // namespace edgepost::test
