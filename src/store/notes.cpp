#include "store/notes.hpp"

namespace edgepost::store {

Result<std::optional<std::string>> read_note(Connection& connection, std::string_view name) {
  Result<Statement> select = connection.prepare("SELECT value FROM edgepost_note WHERE name = ?1");
  if (!select) return select.status();
  select->bind_text(1, name);
  const Result<bool> found = connection.step(*select);
  if (!found) return found.status();
  return *found ? std::optional(std::string(select->bytes(0))) : std::nullopt;
}

Status write_note(Connection& connection, std::string_view name, std::string_view value) {
  Result<Statement> insert =
      connection.prepare("INSERT OR REPLACE INTO edgepost_note (name, value) VALUES (?1, ?2)");
  if (!insert) return insert.status();
  insert->bind_text(1, name);
  insert->bind_blob(2, value.data() == nullptr ? std::string_view("") : value);
  return connection.step(*insert).status();
}

}  // namespace edgepost::store
