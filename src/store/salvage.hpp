#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "edgepost/gateway_status.hpp"
#include "edgepost/platform.hpp"
#include "store/connection.hpp"
#include "store/files.hpp"
#include "store/owner.hpp"

namespace edgepost::store {

/// What becomes of a damaged database:
/// 1. It is copied, with its log, to `<database>-damaged-<number>`, as evidence; an unused number.
/// 2. A new database is made from everything of the copy that can be read.
/// The file `<database>-salvage` says how far this has come; whoever finds it goes on from there,
/// and the copy is what the new database is made from, as often as it takes.
/// The database is deleted only when every byte of it and of its log stands in the copy. Where some
/// cannot be read, however often, salvaging fails with io_error, which names the file and the
/// place, and leaves the database as it was: the next open tries again. A place that is never
/// readable again is for a person to decide on: a copy on a medium that works, with anything in
/// that place (`dd conv=noerror,sync` writes zeros), is salvaged as any other damage is.
/// Where there is no room for the copy, everything is left as it was; where there is none for the
/// new database, the evidence must stay until there is. If it is taken away, what stands in the
/// database by then is salvaged.
/// Requires: nobody has the database open, and the caller owns it.

/// True when a salvage was interrupted: what stands in the database now is not whole.
/// Errors: io_error: nobody knows, so that nobody may use the database.
Result<bool> is_salvage_begun(const Files& files);

/// A path for evidence that nothing stands at yet. Errors: io_error.
Result<std::string> unused_evidence(const Files& files);

/// The newest evidence beside a database; empty when there is none. Errors: io_error.
Result<std::string> newest_evidence(const Files& files);

/// Does both steps. Segments are carried over when their checksum is right; in the place of others
/// stands that they are lost. Consumers, dead letters, claims and the user's own tables are carried
/// over as far as they can be read. Row 0 of a stream that cannot be read is made anew from the
/// segments and the owner's notes.
/// Durable: when it returns ok. After failure: to be tried again.
/// Errors: full; io_error. Blocks: for as long as reading and writing everything takes.
Result<DamageReport> salvage(const Files& files, const std::string& vfs, const Owner& owner,
                             Random& random);

/// Events of a stream that are lost.
struct Lost {
  std::uint32_t stream = 0;
  std::uint64_t first = 0;
  std::uint64_t last = 0;
};

/// Puts into the stream that these events are lost. Call inside a write transaction.
Status insert_lost(Connection& connection, const Lost& tail);

/// Compares every stream with its mark: behind its newest event there may be some that were
/// committed, which a log that has lost its tail does not have. Errors: corrupt, also when a stream
/// is missing that was made in that log; io_error.
Result<std::vector<Lost>> find_lost_tails(Connection& connection, const Stamp& stamp);

}  // namespace edgepost::store
