#include "store/owner.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/crc32c.hpp"
#include "platform/platform.hpp"

namespace edgepost::store {

namespace {

// The pid, the stamp and the notes of the first consumers share the file's first page: what is
// written over and over is one page to the flash, and no kill leaves half a stamp.
constexpr sqlite3_int64 kStampOffset = 32;
constexpr std::size_t kStampBytes = 2048 - kStampOffset;
constexpr sqlite3_int64 kNotesOffset = 2048;
constexpr int kNoteBytes = 12;
constexpr std::uint32_t kNotesMax = 1'000;  // consumers; their notes end below 16 KiB

// Behind them stands what was acknowledged above the floors, where there is anything.
constexpr sqlite3_int64 kAboveOffset = 16 * 1024;
constexpr int kAboveBytes = 512;

// The bits that a stamp begins with.
constexpr unsigned kClean = 1;
constexpr unsigned kReserveUsed = 2;

constexpr sqlite3_int64 note_offset(std::uint32_t consumer) {
  return kNotesOffset + sqlite3_int64{consumer - 1} * kNoteBytes;
}

constexpr sqlite3_int64 above_offset(std::uint32_t consumer) {
  return kAboveOffset + sqlite3_int64{consumer - 1} * kAboveBytes;
}

std::uint32_t stamp_checksum(std::string_view content) { return crc32c(content, 1); }

// The floor, and a checksum over it, the consumer and the life.
std::string note_text(std::uint32_t consumer, std::uint64_t life, std::uint64_t floor) {
  std::string text;
  ByteWriter writer(text);
  writer.fixed32(static_cast<std::uint32_t>(floor));
  writer.fixed32(static_cast<std::uint32_t>(floor >> 32U));
  std::string context = text;
  ByteWriter more(context);
  more.varint(consumer);
  more.varint(life);
  writer.fixed32(crc32c(context, 1));  // so that a row of zeros is no note
  return text;
}

std::uint32_t above_checksum(std::string_view content, std::uint32_t consumer, std::uint64_t life) {
  std::string context(content);
  ByteWriter writer(context);
  writer.varint(consumer);
  writer.varint(life);
  return crc32c(context, 2);
}

// A checksum, a length, and the ranges from the last one on: the end of the first, then for each
// how many it has and how many are open before it.
std::string above_text(std::uint32_t consumer, std::uint64_t life,
                       const std::vector<Range>& ranges) {
  constexpr std::size_t kContentBytesMax = kAboveBytes - 8 - 20;  // one more has room
  std::string content;
  ByteWriter writer(content);
  std::uint64_t end = 0;
  for (const Range& range : ranges) {
    if (content.size() > kContentBytesMax) break;
    writer.varint(end == 0 ? range.to : end - range.to);
    writer.varint(range.to - range.from);
    end = range.from;
  }
  std::string text;
  ByteWriter head(text);
  head.fixed32(above_checksum(content, consumer, life));
  head.fixed32(static_cast<std::uint32_t>(content.size()));
  head.raw(content);
  return text;
}

std::vector<Range> read_above(std::string_view text, std::uint32_t consumer, std::uint64_t life) {
  ByteReader head(text);
  const std::uint32_t checksum = head.fixed32();
  const std::string_view content = head.raw(head.fixed32());
  std::vector<Range> ranges;
  if (head.has_failed() || checksum != above_checksum(content, consumer, life)) return ranges;
  ByteReader reader(content);
  std::uint64_t end = 0;
  while (!reader.is_at_end()) {
    const std::uint64_t step = reader.varint();
    const std::uint64_t more = reader.varint();
    const std::uint64_t to = end == 0 ? step : end - std::min(step, end);
    if (reader.has_failed() || more >= to) return {};
    end = to - more;
    ranges.push_back({end, to});
  }
  return ranges;
}

}  // namespace

std::string Stamp::encode() const {
  constexpr std::size_t kMarkBytesMax = 5 + 10;
  std::string content;
  content.reserve(128);  // enough for a few streams: this is written behind every commit
  ByteWriter writer(content);
  const unsigned flags = (is_clean ? kClean : 0U) | (is_reserve_used ? kReserveUsed : 0U);
  writer.byte(static_cast<std::uint8_t>(flags));
  writer.varint(life);
  writer.signed_varint(lived.count());
  writer.signed_varint(boot.time_since_epoch().count());
  for (const std::uint64_t figure :
       {writes.commits, writes.events, writes.bytes, writes.syncs, writes.checkpoints}) {
    writer.varint(figure);
  }
  for (const auto& [stream, sequence] : marks) {
    if (content.size() + kMarkBytesMax + sizeof(std::uint64_t) > kStampBytes) break;
    writer.varint(stream);
    writer.varint(sequence);
  }
  std::string text;
  ByteWriter head(text);
  head.fixed32(stamp_checksum(content));
  head.fixed32(static_cast<std::uint32_t>(content.size()));
  head.raw(content);
  return text;
}

std::optional<Stamp> Stamp::decode(std::string_view bytes) {
  ByteReader head(bytes);
  const std::uint32_t checksum = head.fixed32();
  const std::string_view content = head.raw(head.fixed32());
  if (head.has_failed() || checksum != stamp_checksum(content)) return std::nullopt;
  ByteReader reader(content);
  Stamp stamp;
  const unsigned flags = reader.byte();
  stamp.is_clean = (flags & kClean) != 0;
  stamp.life = reader.varint();
  stamp.is_reserve_used = (flags & kReserveUsed) != 0;
  stamp.lived = Duration(reader.signed_varint());
  stamp.boot = Instant(Duration(reader.signed_varint()));
  for (std::uint64_t* figure : {&stamp.writes.commits, &stamp.writes.events, &stamp.writes.bytes,
                                &stamp.writes.syncs, &stamp.writes.checkpoints}) {
    *figure = reader.varint();
  }
  while (!reader.has_failed() && !reader.is_at_end()) {
    const auto stream = static_cast<std::uint32_t>(reader.varint());
    stamp.marks[stream] = reader.varint();
  }
  if (reader.has_failed()) return std::nullopt;
  return stamp;
}

// A file opened through a VFS.
struct Owner::File {
  File() = default;
  ~File() {
    if (file() != nullptr && file()->pMethods != nullptr) {
      file()->pMethods->xUnlock(file(), SQLITE_LOCK_NONE);
      file()->pMethods->xClose(file());
    }
    sqlite3_free_filename(name);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  // Opens `<database>-owner`. The database's path is resolved first: whoever comes by a symbolic
  // link means the same database.
  int open(const std::string& database, const std::string& vfs_name, int flags) {
    if (sqlite3_initialize() != SQLITE_OK) return SQLITE_ERROR;
    sqlite3_vfs* vfs = sqlite3_vfs_find(vfs_name.empty() ? nullptr : vfs_name.c_str());
    if (vfs == nullptr) return SQLITE_CANTOPEN;
    std::vector<char> full(static_cast<std::size_t>(vfs->mxPathname) + 1);
    const int rc = vfs->xFullPathname(vfs, database.c_str(), vfs->mxPathname, full.data());
    // xFullPathname may add that a symbolic link was followed, which is fine.
    if ((rc & 0xFF) != SQLITE_OK) return SQLITE_CANTOPEN;
    const std::string path = std::string(full.data()) + "-owner";
    name = sqlite3_create_filename(path.c_str(), "", "", 0, nullptr);
    const std::size_t size = static_cast<std::size_t>(vfs->szOsFile);
    storage.resize((size + sizeof(std::max_align_t) - 1) / sizeof(std::max_align_t));
    int granted = 0;
    const int opened = vfs->xOpen(vfs, name, file(), flags | SQLITE_OPEN_MAIN_DB, &granted);
    const bool is_less = ((flags & ~granted) & SQLITE_OPEN_READWRITE) != 0;
    return opened == SQLITE_OK && is_less ? SQLITE_READONLY : opened;
  }

  sqlite3_file* file() {
    return storage.empty() ? nullptr : reinterpret_cast<sqlite3_file*>(storage.data());
  }

  // What stands in the file: a pid, or 0.
  std::int64_t read_pid() {
    std::array<char, 24> text{};  // xRead fills what is missing with zeros
    const int rc = file()->pMethods->xRead(file(), text.data(), static_cast<int>(text.size()), 0);
    if (rc != SQLITE_OK && rc != SQLITE_IOERR_SHORT_READ) return 0;
    std::int64_t pid = 0;
    std::from_chars(text.data(), text.data() + text.size(), pid);
    return pid;
  }

  std::optional<Stamp> read_stamp() {
    std::string text(kStampBytes, '\0');
    const int size = static_cast<int>(kStampBytes);
    const int rc = file()->pMethods->xRead(file(), text.data(), size, kStampOffset);
    if (rc != SQLITE_OK && rc != SQLITE_IOERR_SHORT_READ) return std::nullopt;
    return Stamp::decode(text);
  }

  const char* name = nullptr;
  std::vector<std::max_align_t> storage;
};

Owner::Owner(std::unique_ptr<File> file) : file_(std::move(file)) {}
Owner::~Owner() = default;

Result<std::unique_ptr<Owner>> Owner::take(const std::string& database, const std::string& vfs) {
  const std::string path = database + "-owner";
  auto opened = std::make_unique<File>();
  if (opened->open(database, vfs, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) != SQLITE_OK) {
    return Status(Code::io_error,
                  "database " + database + ": cannot create " + path +
                      ": check the directory, its permissions and the number of open files");
  }
  sqlite3_file* file = opened->file();
  const sqlite3_io_methods* io = file->pMethods;
  int rc = io->xLock(file, SQLITE_LOCK_SHARED);
  if (rc == SQLITE_OK) rc = io->xLock(file, SQLITE_LOCK_RESERVED);
  if (rc != SQLITE_OK && (rc & 0xFF) != SQLITE_BUSY) {
    return Status(Code::io_error, "database " + database + ": cannot lock " + path);
  }
  if (rc != SQLITE_OK) {
    const std::int64_t pid = opened->read_pid();
    return Status(Code::busy, "database " + database + ": in use by another gateway" +
                                  (pid == 0 ? "" : ", process " + std::to_string(pid)));
  }
  // Not synced: after a power cut there is no owner.
  std::array<char, 24> text{};
  std::to_chars(text.data(), text.data() + text.size(), process_id());
  if (opened->read_pid() != process_id() &&
      io->xWrite(file, text.data(), static_cast<int>(text.size()), 0) != SQLITE_OK) {
    return Status(Code::full, "database " + database + ": cannot write " + path);
  }
  return std::unique_ptr<Owner>(new Owner(std::move(opened)));
}

std::int64_t Owner::pid(const std::string& database, const std::string& vfs) {
  File opened;
  if (opened.open(database, vfs, SQLITE_OPEN_READONLY) != SQLITE_OK) return 0;
  int is_reserved = 0;
  if (opened.file()->pMethods->xCheckReservedLock(opened.file(), &is_reserved) != SQLITE_OK) {
    return 0;
  }
  return is_reserved != 0 ? opened.read_pid() : 0;
}

void Owner::note(std::uint32_t consumer, std::uint64_t life, std::uint64_t floor) {
  if (consumer == 0 || consumer > kNotesMax) return;
  const std::string text = note_text(consumer, life, floor);
  sqlite3_file* file = file_->file();
  file->pMethods->xWrite(file, text.data(), kNoteBytes, note_offset(consumer));
}

void Owner::note_above(std::uint32_t consumer, std::uint64_t life,
                       const std::vector<Range>& ranges) {
  if (consumer == 0 || consumer > kNotesMax) return;
  const std::string text = above_text(consumer, life, ranges);
  sqlite3_file* file = file_->file();
  file->pMethods->xWrite(file, text.data(), static_cast<int>(text.size()), above_offset(consumer));
}

std::vector<Range> Owner::noted_above(std::uint32_t consumer, std::uint64_t life) const {
  if (consumer == 0 || consumer > kNotesMax) return {};
  std::string text(kAboveBytes, '\0');
  sqlite3_file* file = file_->file();
  const int rc = file->pMethods->xRead(file, text.data(), kAboveBytes, above_offset(consumer));
  if (rc != SQLITE_OK && rc != SQLITE_IOERR_SHORT_READ) return {};
  return read_above(text, consumer, life);
}

Status Owner::begin_notes(const std::map<std::uint32_t, Note>& notes, std::uint64_t life) {
  sqlite3_file* file = file_->file();
  const std::uint32_t last = notes.empty() ? 0 : std::min(notes.rbegin()->first, kNotesMax);
  bool is_written = true;
  // In place, so that a kill in between finds each note old or new.
  for (std::uint32_t consumer = 1; consumer <= last; ++consumer) {
    const auto note = notes.find(consumer);
    const std::string text = note == notes.end() ? std::string(kNoteBytes, '\0')
                                                 : note_text(consumer, life, note->second.floor);
    const sqlite3_int64 offset = note_offset(consumer);
    is_written =
        is_written && file->pMethods->xWrite(file, text.data(), kNoteBytes, offset) == SQLITE_OK;
  }
  std::uint32_t last_above = 0;
  for (const auto& [consumer, note] : notes) {
    if (!note.above.empty() && consumer <= kNotesMax) last_above = consumer;
  }
  for (std::uint32_t consumer = 1; consumer <= last_above; ++consumer) {
    const auto note = notes.find(consumer);
    std::string text = note == notes.end() ? "" : above_text(consumer, life, note->second.above);
    text.resize(kAboveBytes);
    is_written = is_written && file->pMethods->xWrite(file, text.data(), kAboveBytes,
                                                      above_offset(consumer)) == SQLITE_OK;
  }
  sqlite3_int64 size = note_offset(is_written ? last + 1 : 1);
  if (is_written && last_above > 0) {
    const std::string nothing(static_cast<std::size_t>(kAboveOffset - size), '\0');
    const int count = static_cast<int>(nothing.size());
    is_written = file->pMethods->xWrite(file, nothing.data(), count, size) == SQLITE_OK;
    size = above_offset(last_above + 1);
  }
  if (file->pMethods->xTruncate(file, size) == SQLITE_OK) return {};
  return {Code::io_error, "the owner file cannot be written"};
}

void Owner::leave(const Stamp& stamp) {
  const std::string text = stamp.encode();
  sqlite3_file* file = file_->file();
  file->pMethods->xWrite(file, text.data(), static_cast<int>(text.size()), kStampOffset);
}

std::optional<Stamp> Owner::last_stamp() const { return file_->read_stamp(); }

std::optional<Stamp> Owner::stamp(std::uint64_t life) const {
  std::optional<Stamp> stamp = last_stamp();
  if (stamp && stamp->life != life) stamp.reset();
  return stamp;
}

std::optional<Stamp> Owner::stamp(const std::string& database, const std::string& vfs,
                                  std::uint64_t life) {
  File opened;
  if (opened.open(database, vfs, SQLITE_OPEN_READONLY) != SQLITE_OK) return std::nullopt;
  std::optional<Stamp> stamp = opened.read_stamp();
  if (stamp && stamp->life != life) stamp.reset();
  return stamp;
}

std::uint64_t Owner::noted(std::uint32_t consumer, std::uint64_t life) const {
  if (consumer == 0 || consumer > kNotesMax) return 0;
  std::string text(kNoteBytes, '\0');
  sqlite3_file* file = file_->file();
  if (file->pMethods->xRead(file, text.data(), kNoteBytes, note_offset(consumer)) != SQLITE_OK) {
    return 0;
  }
  ByteReader reader(text);
  const std::uint64_t low = reader.fixed32();
  const std::uint64_t floor = low | std::uint64_t{reader.fixed32()} << 32U;
  return text == note_text(consumer, life, floor) ? floor : 0;
}

}  // namespace edgepost::store
