#include "store/latest.hpp"

#include <map>
#include <utility>

#include "base/bytes.hpp"

namespace edgepost::store {
namespace {

void keep_newest(std::vector<std::uint64_t>& sequences, std::uint32_t count) {
  if (sequences.size() <= count) return;
  sequences.erase(sequences.begin(), sequences.end() - static_cast<std::ptrdiff_t>(count));
}

std::vector<std::uint64_t> sequences_in(std::string_view bytes) {
  std::vector<std::uint64_t> sequences;
  ByteReader reader(bytes);
  while (!reader.is_at_end() && !reader.has_failed()) {
    const std::uint64_t low = reader.fixed32();
    sequences.push_back(low | std::uint64_t{reader.fixed32()} << 32U);
  }
  return sequences;
}

}  // namespace

Result<std::vector<std::uint64_t>> Latest::load(Connection& connection, std::uint32_t stream,
                                                std::string_view key) {
  Status status = connection.prepare_once(
      select_, "SELECT sequences FROM edgepost_latest WHERE stream_id = ?1 AND key = ?2");
  if (!status.is_ok()) return status;
  StatementUse select(select_);
  select->bind(1, std::int64_t{stream});
  select->bind_text(2, key);
  const Result<bool> found = connection.step(select_);
  if (!found) return found.status();
  return sequences_in(*found ? select->bytes(0) : std::string_view{});
}

Status Latest::sweep(Connection& connection, std::uint32_t stream, std::uint64_t trimmed,
                     std::size_t count) {
  Status status =
      connection.prepare_once(look_,
                              "SELECT key, sequences FROM edgepost_latest"
                              " WHERE stream_id = ?1 AND key > ?2 ORDER BY key LIMIT ?3");
  if (status.is_ok()) {
    status = connection.prepare_once(
        forget_, "DELETE FROM edgepost_latest WHERE stream_id = ?1 AND key = ?2");
  }
  if (!status.is_ok()) return status;
  std::string& key = swept_[stream];
  const std::string from = key;
  std::vector<std::string> gone;
  StatementUse look(look_);
  look->bind(1, std::int64_t{stream});
  look->bind_text(2, from);
  look->bind(3, std::uint64_t{count});
  for (std::size_t i = 0; i < count; ++i) {
    const Result<bool> row = connection.step(look_);
    if (!row) return row.status();
    key = *row ? std::string(look->bytes(0)) : "";
    if (!*row) break;
    const std::vector<std::uint64_t> sequences = sequences_in(look->bytes(1));
    if (!sequences.empty() && sequences.back() <= trimmed) gone.push_back(key);
  }
  for (const std::string& name : gone) {
    StatementUse forget(forget_);
    forget->bind(1, std::int64_t{stream});
    forget->bind_text(2, name);
    if (const auto done = connection.step(forget_); !done) return done.status();
  }
  return {};
}

Status Latest::note(Connection& connection, std::uint32_t stream, std::uint32_t max_per_key,
                    const std::vector<Keyed>& added, std::uint64_t trimmed) {
  std::map<std::string_view, std::vector<std::uint64_t>> newest;
  for (const Keyed& event : added) {
    auto [key, is_first] = newest.try_emplace(event.key);
    if (is_first) {
      auto known = load(connection, stream, event.key);
      if (!known) return known.status();
      key->second = std::move(*known);
    }
    key->second.push_back(event.sequence);
    keep_newest(key->second, max_per_key);
  }
  Status status =
      connection.prepare_once(upsert_,
                              "INSERT INTO edgepost_latest VALUES (?1, ?2, ?3)"
                              " ON CONFLICT DO UPDATE SET sequences = excluded.sequences");
  if (!status.is_ok()) return status;
  for (const auto& [key, sequences] : newest) {
    std::string bytes;
    ByteWriter writer(bytes);
    for (const std::uint64_t sequence : sequences) {
      writer.fixed32(static_cast<std::uint32_t>(sequence));
      writer.fixed32(static_cast<std::uint32_t>(sequence >> 32U));
    }
    StatementUse upsert(upsert_);
    upsert->bind(1, std::int64_t{stream});
    upsert->bind_text(2, key);
    upsert->bind_blob(3, bytes);
    if (const auto done = connection.step(upsert_); !done) return done.status();
  }
  return sweep(connection, stream, trimmed, 2 * newest.size());
}

Result<bool> Latest::is_replaced(Connection& connection, std::uint32_t stream,
                                 std::uint32_t max_per_key, std::string_view key,
                                 std::uint64_t sequence) {
  if (max_per_key == 0 || key.empty()) return false;
  const auto newest = load(connection, stream, key);
  if (!newest) return newest.status();
  return newest->size() >= max_per_key && sequence < (*newest)[newest->size() - max_per_key];
}

}  // namespace edgepost::store
