#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "sim/disk_double.hpp"

namespace edgepost::test {

/// Syncs no commit: as under synchronous=NORMAL, the write-ahead log is synced only before its
/// content goes into the database file.
class NormalDisk final : public DiskDouble {
 public:
  using DiskDouble::DiskDouble;

 private:
  int sync(const File& file) override {
    if (file.kind != Kind::log) return file.sync();
    unsynced_ = file;
    return SQLITE_OK;
  }
  int write(const File& file, const void* from, int size, sqlite3_int64 at) override {
    if (file.kind == Kind::database && unsynced_) {
      if (const int rc = std::exchange(unsynced_, {})->sync(); rc != SQLITE_OK) return rc;
    }
    return file.write(from, size, at);
  }
  void closing(const File& file) override {
    if (unsynced_ && unsynced_->file == file.file) unsynced_.reset();
  }

  std::optional<File> unsynced_;
};

/// Writes and syncs the database file before the log that its content comes from.
class CheckpointFirstDisk final : public DiskDouble {
 public:
  using DiskDouble::DiskDouble;

 private:
  int sync(const File& file) override {
    if (file.kind == Kind::log) {
      unsynced_ = file;
      return SQLITE_OK;
    }
    const int rc = file.sync();
    if (rc == SQLITE_OK && file.kind == Kind::database && unsynced_) {
      return std::exchange(unsynced_, {})->sync();
    }
    return rc;
  }
  void closing(const File& file) override {
    if (unsynced_ && unsynced_->file == file.file) unsynced_.reset();
  }

  std::optional<File> unsynced_;
};

/// A sync carries out what the one before it was asked for: the newest commit is still on its way.
class LateDisk final : public DiskDouble {
 public:
  using DiskDouble::DiskDouble;

 private:
  int write(const File& file, const void* from, int size, sqlite3_int64 at) override {
    if (file.kind == Kind::log && std::exchange(is_asked_, false)) {
      if (const int rc = file.sync(); rc != SQLITE_OK) return rc;
    }
    return file.write(from, size, at);
  }
  int sync(const File& file) override {
    if (file.kind != Kind::log) return file.sync();
    is_asked_ = true;
    return SQLITE_OK;
  }

  bool is_asked_ = false;
};

/// Keeps the last write before a sync in a cache of its own, and writes it when the next one comes.
class LastWriteDisk final : public DiskDouble {
 public:
  using DiskDouble::DiskDouble;

 private:
  int read(const File& file, void* to, int size, sqlite3_int64 at) override {
    const int rc = give_up(file);
    return rc == SQLITE_OK ? file.read(to, size, at) : rc;
  }
  int write(const File& file, const void* from, int size, sqlite3_int64 at) override {
    if (file.kind != Kind::log) return file.write(from, size, at);
    if (const int rc = give_up(file); rc != SQLITE_OK) return rc;
    held_ = {std::string(static_cast<const char*>(from), static_cast<std::size_t>(size)), at};
    return SQLITE_OK;
  }
  int sync(const File& file) override {
    const int rc = file.sync();
    return rc == SQLITE_OK ? give_up(file) : rc;
  }
  void closing(const File& file) override {
    if (file.kind == Kind::log) held_.reset();
  }
  int give_up(const File& file) {
    if (file.kind != Kind::log || !held_) return SQLITE_OK;
    const auto held = *std::exchange(held_, {});
    return file.write(held.first.data(), static_cast<int>(held.first.size()), held.second);
  }

  std::optional<std::pair<std::string, sqlite3_int64>> held_;
};

/// Says ok to a write that it did not do, each time the count comes round.
class ForgetfulDisk final : public DiskDouble {
 public:
  using DiskDouble::DiskDouble;

 private:
  int write(const File& file, const void* from, int size, sqlite3_int64 at) override {
    constexpr std::uint64_t kRound = 41;
    if (file.kind == Kind::log && ++writes_ % kRound == 0) return SQLITE_OK;
    return file.write(from, size, at);
  }

  std::uint64_t writes_ = 0;
};

/// Reads of the database file see, each time the count comes round, what was there before the last
/// write to that place.
class StaleDisk final : public DiskDouble {
 public:
  using DiskDouble::DiskDouble;

 private:
  int read(const File& file, void* to, int size, sqlite3_int64 at) override {
    constexpr std::uint64_t kRound = 5;
    const int rc = file.read(to, size, at);
    if (rc != SQLITE_OK || file.kind != Kind::database || ++reads_ % kRound != 0) return rc;
    const auto before = before_.find(at);
    if (before == before_.end() || before->second.size() != static_cast<std::size_t>(size)) {
      return rc;
    }
    before->second.copy(static_cast<char*>(to), before->second.size());
    return rc;
  }
  int write(const File& file, const void* from, int size, sqlite3_int64 at) override {
    if (file.kind == Kind::database) {
      std::string content(static_cast<std::size_t>(size), '\0');
      if (file.read(content.data(), size, at) == SQLITE_OK) before_[at] = std::move(content);
    }
    return file.write(from, size, at);
  }

  std::uint64_t reads_ = 0;
  std::map<sqlite3_int64, std::string> before_;
};

}  // namespace edgepost::test
