#include "bus/epochs.hpp"

#include <algorithm>
#include <utility>

#include "bus/entry.hpp"
#include "platform/thread.hpp"

namespace edgepost::bus {
namespace {

// Looking for what may be destroyed costs a heavy barrier: some microseconds for this many objects.
constexpr std::size_t kWorthCollecting = 64;

void destroy(std::vector<Retired>& objects) {
  for (const Retired& old : objects) {
    old.destroy(old.object);
  }
  objects.clear();
}

}  // namespace

struct Epochs::Claim {
  std::shared_ptr<Records> records;
  Reader* reader;
};

// The records that this thread has; they are given back when it ends.
struct Epochs::Claims {
  std::vector<Claim> claims;

  ~Claims() {
    for (const Claim& claim : claims) {
      const std::lock_guard lock(claim.records->mutex);
      claim.reader->is_taken = false;
    }
  }

  // The claims of the calling thread. They are given back later than the thread's thread_local
  // objects are destroyed, which may still publish or unsubscribe; what does so even later gets
  // claims again. The main thread keeps its own to the end of the process, for static objects.
  static std::vector<Claim>& mine() {
    static constinit thread_local Claims* now = nullptr;
    static const ThreadEnd end([](void* mine) {
      seen_ = {};
      now = nullptr;
      delete static_cast<Claims*>(mine);
    });
    if (now == nullptr) {
      now = new Claims;
      end.leave(now);
    }
    return now->claims;
  }
};

constinit thread_local Epochs::Seen Epochs::seen_{};

Epochs::Records::~Records() = default;

Epochs::Epochs(Barrier barrier) : barrier_(barrier), records_(std::make_shared<Records>()) {}

Epochs::~Epochs() {
  // What is destroyed may retire more.
  while (!waiting_.empty() || !retired_.empty()) {
    std::vector<Retired> old = std::move(waiting_);
    waiting_.clear();
    waiting_.swap(retired_);
    destroy(old);
  }
}

Reader& Epochs::find_reader() {
  std::vector<Claim>& mine = Claims::mine();
  // Nobody else holds the records of a bus that is gone.
  std::erase_if(mine, [](const Claim& claim) { return claim.records.use_count() == 1; });
  const auto known = std::find_if(mine.begin(), mine.end(),
                                  [this](const Claim& claim) { return claim.records == records_; });
  if (known != mine.end()) {
    seen_ = {records_.get(), known->reader};
    return *known->reader;
  }
  const std::lock_guard lock(records_->mutex);
  const auto free = std::find_if(records_->readers.begin(), records_->readers.end(),
                                 [](const auto& reader) { return !reader->is_taken; });
  if (free == records_->readers.end()) {
    records_->readers.push_back(std::make_unique<Reader>());
    mine.push_back({records_, records_->readers.back().get()});
  } else {
    (*free)->is_taken = true;
    mine.push_back({records_, free->get()});
  }
  seen_ = {records_.get(), mine.back().reader};
  return *seen_.reader;
}

void Epochs::retire(Retired old) {
  const std::lock_guard lock(records_->mutex);
  retired_.push_back(old);
}

void Epochs::retire(std::vector<Retired>& old) {
  const std::lock_guard lock(records_->mutex);
  retired_.insert(retired_.end(), old.begin(), old.end());
  old.clear();
}

void Epochs::collect() {
  std::vector<Retired> done;
  {
    const std::lock_guard lock(records_->mutex);
    if (retired_.size() < kWorthCollecting) return;
    const bool have_left = std::all_of(
        watched_.begin(), watched_.end(),
        [](const Watched& watched) { return watched.reader->shown.has_left(watched.word); });
    if (!have_left) return;
    done.swap(waiting_);
    waiting_.swap(retired_);
    barrier_.heavy();
    watched_.clear();
    for (const auto& reader : records_->readers) {
      const std::uint32_t word = reader->shown.look();
      if (!reader->shown.has_left(word)) watched_.push_back({reader.get(), word});
    }
    if (watched_.empty()) {
      done.insert(done.end(), waiting_.begin(), waiting_.end());
      waiting_.clear();
    }
  }
  destroy(done);
}

bool Epochs::is_run(const Entry& entry, const Reader* except) const {
  return std::any_of(records_->readers.begin(), records_->readers.end(), [&](const auto& reader) {
    return reader.get() != except && reader->shown.runs(&entry);
  });
}

bool Epochs::finish(Entry& entry) {
  const Reader& self = reader();
  barrier_.heavy();
  std::unique_lock lock(records_->mutex);
  if (self.shown.runs(&entry)) {
    if (entry.end == Entry::End::open) entry.end = Entry::End::abandoned;
    return false;
  }
  records_->left.wait(lock, [&] { return !is_run(entry, &self); });
  if (entry.end == Entry::End::open || entry.end == Entry::End::abandoned) close(entry, lock);
  // A handler whose destructor ends the subscription it serves must not wait for itself.
  if (entry.closer == &self) return entry.end == Entry::End::closed;
  records_->left.wait(lock, [&] { return entry.end == Entry::End::closed; });
  return true;
}

void Epochs::left(Entry& entry) {
  std::unique_lock lock(records_->mutex);
  records_->left.notify_all();
  if (entry.end == Entry::End::abandoned && !is_run(entry, nullptr)) close(entry, lock);
}

void Epochs::close(Entry& entry, std::unique_lock<std::mutex>& lock) {
  entry.end = Entry::End::closing;
  entry.closer = &reader();
  lock.unlock();
  if (entry.stage) entry.stage->close();
  entry.handler = nullptr;
  lock.lock();
  entry.end = Entry::End::closed;
  records_->left.notify_all();
}

std::array<std::uint64_t, 4> Epochs::totals() const {
  std::array<std::uint64_t, 4> sums{};
  const std::lock_guard lock(records_->mutex);
  for (const auto& reader : records_->readers) {
    const Counters& counters = reader->counters;
    sums[0] += counters.published.load(std::memory_order_relaxed);
    sums[1] += counters.delivered.load(std::memory_order_relaxed);
    sums[2] += counters.failed.load(std::memory_order_relaxed);
    sums[3] += counters.dropped.load(std::memory_order_relaxed);
  }
  return sums;
}

}  // namespace edgepost::bus
