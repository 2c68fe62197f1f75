// Where the tries of events outlive the process. A row is written for an event that was refused,
// and deleted once that is settled; the happy path has none.
#include <utility>

#include "store/consumer_state.hpp"
#include "store/store.hpp"

namespace edgepost::store {

std::vector<OpenAttempts> Store::unsaved_attempts() {
  std::vector<OpenAttempts> all;
  {
    const std::lock_guard lock(streams_mutex_);
    for (const auto& weak : consumers_) {
      if (auto consumer = weak.lock()) all.push_back({std::move(consumer), {}});
    }
  }
  for (OpenAttempts& open : all)
    open.rows = open.consumer->unsaved_attempts();
  std::erase_if(all, [](const OpenAttempts& open) { return open.rows.empty(); });
  return all;
}

Status Store::write_attempts(const std::vector<OpenAttempts>& attempts) {
  if (attempts.empty()) return {};
  Result<Statement> replace =
      writer_->prepare("INSERT OR REPLACE INTO edgepost_attempt VALUES (?1, ?2, ?3, ?4, ?5)");
  if (!replace) return replace.status();
  Result<Statement> remove =
      writer_->prepare("DELETE FROM edgepost_attempt WHERE consumer_id = ?1 AND sequence = ?2");
  if (!remove) return remove.status();
  for (const OpenAttempts& open : attempts) {
    for (const AttemptRow& row : open.rows) {
      Statement& statement = row.attempts > 0 ? *replace : *remove;
      const StatementUse use(statement);
      statement.bind(1, std::uint64_t{open.consumer->cursor->id});
      statement.bind(2, row.sequence);
      if (row.attempts > 0) {
        statement.bind(3, std::uint64_t{row.attempts});
        statement.bind_text(4, row.first_error);
        statement.bind_text(5, row.last_error);
      }
      if (const Result<bool> done = writer_->step(statement); !done) return done.status();
    }
  }
  return {};
}

Status Store::load_attempts(Consumer::State& consumer) {
  const std::lock_guard lock(read_mutex_);
  Result<Statement> select = reader_->prepare(
      "SELECT sequence, attempts, first_error, last_error FROM edgepost_attempt"
      " WHERE consumer_id = ?1");
  if (!select) return select.status();
  select->bind(1, std::uint64_t{consumer.cursor->id});
  Attempts& attempts = consumer.delivery.attempts();
  while (true) {
    const Result<bool> row = reader_->step(*select);
    if (!row) return row.status();
    if (!*row) return {};
    const std::uint64_t sequence = select->integer(0);
    attempts.restore({sequence, static_cast<unsigned>(select->integer(1)),
                      std::string(select->bytes(2)), std::string(select->bytes(3))});
    if (consumer.cursor->is_done(sequence)) attempts.forget(sequence);  // the row is left over
  }
}

}  // namespace edgepost::store
