#include "bus/epochs.hpp"

#include <doctest.h>

#include <memory>
#include <optional>
#include <thread>

#include "bus/entry.hpp"

using edgepost::Barrier;
using edgepost::bus::bump;
using edgepost::bus::Epochs;
using edgepost::bus::Inside;
using edgepost::bus::Reader;
using edgepost::bus::Retired;

namespace {

// Retires objects that count how many of them are destroyed.
class Bin {
 public:
  void retire(Epochs& epochs, int count) {
    for (int i = 0; i < count; ++i)
      epochs.retire(Retired{this, [](void* bin) { ++static_cast<Bin*>(bin)->destroyed; }});
  }

  int destroyed = 0;
};

Reader* record_of_a_thread(Epochs& epochs) {
  Reader* record = nullptr;
  std::thread([&] { record = &epochs.reader(); }).join();
  return record;
}

}  // namespace

TEST_CASE("epochs: what is retired is destroyed, many at a time") {
  for (const Barrier& barrier : {Barrier(), Barrier::best()}) {
    Bin bin;
    Epochs epochs(barrier);
    bin.retire(epochs, 1);
    epochs.collect();
    CHECK(bin.destroyed == 0);
    bin.retire(epochs, 999);
    epochs.collect();
    CHECK(bin.destroyed == 1'000);
  }
}

TEST_CASE("epochs: what is retired while somebody is inside outlives that passage") {
  Bin bin;
  Epochs epochs(Barrier::best());
  std::optional<Inside> outer(epochs);
  bin.retire(epochs, 100);
  {
    const Inside inner(epochs);
    epochs.collect();
  }
  bin.retire(epochs, 100);
  epochs.collect();
  CHECK(bin.destroyed == 0);
  outer.reset();
  const Inside later(epochs);  // it came when the first 100 could not be reached any more
  epochs.collect();
  CHECK(bin.destroyed == 100);
}

TEST_CASE("epochs: what is still retired at the end is destroyed") {
  Bin bin;
  {
    Epochs epochs(Barrier::best());
    bin.retire(epochs, 7);
  }
  CHECK(bin.destroyed == 7);
}

TEST_CASE("epochs: passages nest sixteen deep and not deeper") {
  Epochs epochs(Barrier::best());
  std::array<std::optional<Inside>, 17> passages;
  for (auto& passage : passages)
    passage.emplace(epochs);
  CHECK(bool(*passages[15]));
  CHECK_FALSE(bool(*passages[16]));
  for (std::size_t left = passages.size(); left > 0; --left)
    passages[left - 1].reset();
  CHECK(bool(Inside(epochs)));
}

TEST_CASE("epochs: a thread that ends leaves its record to the next, with its counts") {
  Epochs epochs(Barrier::best());
  std::thread([&] { bump(epochs.reader().counters.published, 3); }).join();
  const Reader* const first = record_of_a_thread(epochs);
  CHECK(record_of_a_thread(epochs) == first);
  CHECK(epochs.totals()[0] == 3);
  CHECK(&epochs.reader() == first);  // of this thread from now on
  CHECK(record_of_a_thread(epochs) != first);
}

TEST_CASE("epochs: a thread keeps a record for each, and may end later than they do") {
  auto one = std::make_unique<Epochs>(Barrier::best());
  auto two = std::make_unique<Epochs>(Barrier::best());
  std::thread([&] {
    Reader* const first = &one->reader();
    CHECK(&two->reader() != first);
    CHECK(&one->reader() == first);
    for (int round = 0; round < 1'000; ++round) {  // the same address, another object
      one = std::make_unique<Epochs>(Barrier::best());
      CHECK(one->reader().counters.published.load() == 0);
      bump(one->reader().counters.published);
    }
    one.reset();
    two.reset();
  }).join();
}

TEST_CASE("epochs: objects that threads destroy at their very end may still publish") {
  struct Late {
    std::unique_ptr<Epochs> epochs = std::make_unique<Epochs>(Barrier::best());
    bool* is_inside = nullptr;
    ~Late() { *is_inside = bool(Inside(*epochs)); }
  };
  bool is_inside = false;
  std::thread([&] {
    static thread_local Late late;  // made before the thread's records, destroyed after them
    late.is_inside = &is_inside;
    (void)late.epochs->reader();
  }).join();
  CHECK(is_inside);
}
