#include "edgepost/sim/disk.hpp"

#include <cerrno>
#include <cstddef>
#include <utility>

#include "sim/disk_model.hpp"

namespace edgepost::sim {

const char* to_string(CutPolicy policy) {
  switch (policy) {
    case CutPolicy::drop_all:
      return "drop_all";
    case CutPolicy::keep_all:
      return "keep_all";
    case CutPolicy::random:
      return "random";
    case CutPolicy::torn:
      return "torn";
    case CutPolicy::garbage:
      return "garbage";
  }
  return "";
}

namespace {

bool applies(Fault fault, CallKind kind) {
  switch (fault) {
    case Fault::io_error:
      return true;
    case Fault::full:
      return kind == CallKind::write || kind == CallKind::create;
    case Fault::short_write:
      return kind == CallKind::write;
    case Fault::short_read:
      return kind == CallKind::read;
    case Fault::read_only:
      return kind == CallKind::write || kind == CallKind::create || kind == CallKind::change;
  }
  return false;
}

Verdict verdict_of(Fault fault, int& error) {
  switch (fault) {
    case Fault::io_error:
      break;
    case Fault::full:
      error = ENOSPC;
      return Verdict::full;
    case Fault::short_write:
      error = ENOSPC;
      return Verdict::short_write;
    case Fault::short_read:
      return Verdict::short_read;
    case Fault::read_only:
      error = EROFS;
      return Verdict::read_only;
  }
  return Verdict::io_error;
}

}  // namespace

Disk::Model::Model(const DiskOptions& disk_options)
    : options(disk_options), draw(disk_options.seed), thread(std::this_thread::get_id()) {
  EDGEPOST_ASSERT(options.sector_bytes == 512 || options.sector_bytes == 4096);
  name = "edgepost-sim-" + std::to_string(reinterpret_cast<std::uintptr_t>(this));
  sqlite3_initialize();
  make_vfs(*this);
  sqlite3_vfs_register(&vfs, 0);
  seed_sqlite();
}

Disk::Model::~Model() {
  sqlite3_vfs_unregister(&vfs);
  sqlite3_randomness(0, nullptr);  // From now on random again.
}

void Disk::Model::seed_sqlite() {
  // SQLite asks the default VFS, when it needs the first random byte after a reset.
  sqlite3_vfs* usual = sqlite3_vfs_find(nullptr);
  sqlite3_vfs_register(&vfs, 1);
  sqlite3_randomness(0, nullptr);
  char first = 0;
  sqlite3_randomness(1, &first);
  sqlite3_vfs_register(usual, 1);
}

Verdict Disk::Model::begin(CallKind kind, std::string_view what, const std::string& file) {
  EDGEPOST_ASSERT(thread == std::this_thread::get_id());
  const std::uint64_t call = calls++;
  last_errno = EIO;
  if (!is_on) return Verdict::io_error;
  if (!plan || call < plan->call) return Verdict::works;
  if (!plan->cut && !applies(plan->fault, kind)) return Verdict::works;
  if (struck.empty()) {
    struck = std::string(what) + " " + file;
    struck_call = call;
  }
  const Plan striking = *plan;
  if (striking.repeat == Repeat::once) plan.reset();
  if (striking.cut) {
    cut_power(*striking.cut);
    return Verdict::io_error;
  }
  return verdict_of(striking.fault, last_errno);
}

bool Disk::Model::has_room(std::size_t before, std::size_t after) const {
  if (options.capacity_bytes == 0 || after <= before) return true;
  return files.bytes() + (after - before) <= options.capacity_bytes;
}

bool Disk::Model::is_read_only() const {
  return plan && !plan->cut && plan->fault == Fault::read_only && calls >= plan->call;
}

void Disk::Model::cut_power(const PowerCut& power_cut) {
  EDGEPOST_ASSERT(is_on);
  files.cut(power_cut, options.sector_bytes);
  is_on = false;
  ++life;
}

void Disk::Model::sync_directory_of(const std::string& file) {
  if (options.syncs && options.syncs_directories) files.sync_directory_of(file);
}

Disk::Disk(const DiskOptions& options) : model_(std::make_unique<Model>(options)) {}
Disk::~Disk() = default;

const std::string& Disk::name() const { return model_->name; }
std::uint64_t Disk::calls() const { return model_->calls; }

void Disk::fail_at(std::uint64_t call, Fault fault, Repeat repeat) {
  model_->plan = {call, fault, repeat, std::nullopt};
}

void Disk::cut_power_at(std::uint64_t call, const PowerCut& cut) {
  model_->plan = {call, Fault::io_error, Repeat::once, cut};
}

void Disk::set_capacity(std::uint64_t bytes) { model_->options.capacity_bytes = bytes; }
void Disk::clear_faults() { model_->plan.reset(); }
const std::string& Disk::struck() const { return model_->struck; }
std::uint64_t Disk::struck_call() const { return model_->struck_call; }
void Disk::cut_power(const PowerCut& cut) { model_->cut_power(cut); }

void Disk::power_on() {
  EDGEPOST_ASSERT(!model_->is_on);
  model_->is_on = true;
  model_->seed_sqlite();
}

bool Disk::is_on() const { return model_->is_on; }
DiskImage Disk::image() const { return model_->files.image(); }

void Disk::restore(const DiskImage& image) {
  model_->files.restore(image);
  ++model_->life;
}

Status Disk::flip(const std::string& file, std::uint64_t offset, std::uint8_t mask) {
  const std::shared_ptr<File> found = model_->files.find(file);
  if (found == nullptr) return {Code::not_found, "simulated disk: no file " + file};
  if (offset >= found->content().size()) {
    return {Code::invalid_argument,
            "simulated disk: " + file + " ends before offset " + std::to_string(offset)};
  }
  found->flip(static_cast<std::size_t>(offset), mask);
  return {};
}

}  // namespace edgepost::sim
