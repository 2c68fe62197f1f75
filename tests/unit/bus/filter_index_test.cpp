#include "bus/filter_index.hpp"

#include <doctest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/topic.hpp"
#include "support/filters.hpp"

using namespace edgepost;
using bus::FilterIndex;
using bus::Listener;
using bus::Matches;
using bus::Retired;

namespace {

struct Subscriber : Listener {
  Subscriber(const std::string& text, std::uint64_t rank_)
      : filter(text), levels(test::split_levels(text)) {
    rank = rank_;
  }
  const std::string filter;
  const std::vector<std::string> levels;
};

// An index with one user: what is retired is destroyed at once.
class Index {
 public:
  explicit Index(std::uint64_t key_mask = ~std::uint64_t{0}) : index_(key_mask) {}

  Subscriber* add(const std::string& filter) { return add(filter, next_rank_++); }
  Subscriber* add(const std::string& filter, std::uint64_t rank) {
    REQUIRE(validate_filter(filter).is_ok());
    subscribers_.push_back(std::make_unique<Subscriber>(filter, rank));
    index_.insert(filter, subscribers_.back().get(), retired_);
    destroy_retired();
    return subscribers_.back().get();
  }

  void remove(std::size_t place) {
    index_.erase(subscribers_[place]->filter, subscribers_[place].get(), retired_);
    destroy_retired();
    subscribers_.erase(subscribers_.begin() + static_cast<std::ptrdiff_t>(place));
  }

  // Their filters.
  std::vector<std::string> match(std::string_view topic) {
    index_.match(topic, matches_);
    std::vector<std::string> filters;
    for (const Listener* listener : matches_)
      filters.push_back(static_cast<const Subscriber*>(listener)->filter);
    return filters;
  }

  // What the rules say, in the order of the ranks.
  Matches expected(const std::string& topic) const {
    const auto levels = test::split_levels(topic);
    Matches found;
    for (const auto& subscriber : subscribers_) {
      if (test::matches_naively(subscriber->levels, levels)) found.push_back(subscriber.get());
    }
    std::sort(found.begin(), found.end(),
              [](const auto* one, const auto* other) { return one->rank < other->rank; });
    return found;
  }

  Matches found(std::string_view topic) {
    index_.match(topic, matches_);
    return matches_;
  }

  std::size_t bytes() const { return index_.bytes(); }
  std::size_t size() const { return subscribers_.size(); }

 private:
  void destroy_retired() {
    for (const Retired& retired : retired_)
      retired.destroy(retired.object);
    retired_.clear();
  }

  FilterIndex index_;
  std::vector<std::unique_ptr<Subscriber>> subscribers_;
  std::vector<Retired> retired_;
  Matches matches_{};
  std::uint64_t next_rank_ = 1;
};

// Inserts, erases and matches at random; how many matches there were.
std::size_t compare_with_the_rules(std::uint32_t seed, std::uint64_t key_mask, int rounds) {
  test::TopicGenerator generator(seed);
  Index index(key_mask);
  std::size_t found = 0;
  for (int round = 0; round < rounds; ++round) {
    const bool grows = round % 200 < 120;
    const std::uint32_t changes = generator.below(4);
    for (std::uint32_t i = 0; i < changes; ++i) {
      if (grows) {
        const std::uint64_t rank = generator.below(3) * (std::uint64_t{1} << 48U);
        index.add(generator.filter(), rank + static_cast<std::uint64_t>(round) * 4 + i);
      } else if (index.size() > 0) {
        index.remove(generator.below(static_cast<std::uint32_t>(index.size())));
      }
    }
    const std::string topic = generator.topic();
    CAPTURE(topic);
    const Matches expected = index.expected(topic);
    CHECK(index.found(topic) == expected);
    found += expected.size();
  }
  while (index.size() > 0)
    index.remove(index.size() / 2);
  CHECK(index.bytes() == 0);
  return found;
}

constexpr std::uint64_t kAllBits = ~std::uint64_t{0};

}  // namespace

TEST_CASE("filter index: it finds what a naive reading of the rules finds, in order") {
  CHECK(compare_with_the_rules(20'261'121, kAllBits, 3'000) > 10'000);
}

TEST_CASE("filter index: keys that collide are told apart by their texts") {
  CHECK(compare_with_the_rules(2, 0, 1'000) > 1'000);                      // one key for all
  CHECK(compare_with_the_rules(3, 0xffff'0000'0000'0000, 1'000) > 1'000);  // the tags are the same
  CHECK(compare_with_the_rules(4, 0x0000'0000'ffff'0000, 1'000) > 1'000);  // the places are
}

TEST_CASE("filter index: an empty one finds nothing") {
  Index index;
  CHECK(index.match("a").empty());
  CHECK(index.bytes() == 0);
}

TEST_CASE("filter index: it agrees with topic_matches where the rules are subtle") {
  const std::vector<std::string> filters = {
      "#",   "+",   "+/#",  "/#",    "/+",     "+/",     "/",      "//",    "+/+",
      "a",   "a/#", "a/+",  "a/+/#", "a//#",   "a//b",   "a/+/b",  "+//b",  "a/",
      "$/#", "$S",  "$S/#", "$S/+",  "+/temp", "$S/a/#", "+/+/b/", "a/b/#", "ab/#"};
  const std::vector<std::string> topics = {"a",    "/",     "//",      "a/",   "a//",  "a//b",
                                           "/a",   "$S",    "$S/temp", "$S/a", "ab",   "a/b",
                                           "a/b/", "a/b/c", "$",       "$/",   "a/a/b"};
  Index index;
  for (const std::string& filter : filters)
    index.add(filter);
  for (const std::string& topic : topics) {
    CAPTURE(topic);
    std::vector<std::string> expected;
    for (const std::string& filter : filters) {
      if (topic_matches(filter, topic)) expected.push_back(filter);
    }
    CHECK(index.match(topic) == expected);
  }
}

TEST_CASE("filter index: a text of 512 bytes may be all levels") {
  const std::string slashes(512, '/');
  std::string wild = slashes;
  wild.replace(200, 2, "/+");
  Index index;
  index.add(slashes);
  index.add(slashes.substr(0, 511) + "#");
  CHECK(index.match(slashes) == std::vector<std::string>{slashes, slashes.substr(0, 511) + "#"});
  std::string other = slashes;
  other[511] = 'a';
  CHECK(index.match(other) == std::vector<std::string>{slashes.substr(0, 511) + "#"});
  CHECK(index.match(slashes.substr(0, 510)) ==
        std::vector<std::string>{slashes.substr(0, 511) + "#"});
  CHECK(index.match(slashes.substr(0, 509)).empty());
  CHECK(index.match("a").empty());
}

TEST_CASE("filter index: levels are told apart behind their first eight bytes, too") {
  Index index;
  index.add("temperature-inside/+");
  index.add("temperature-outside/+");
  index.add("temperature-inside");
  index.add("12345678/+");
  CHECK(index.match("temperature-inside/a") == std::vector<std::string>{"temperature-inside/+"});
  CHECK(index.match("12345678/a") == std::vector<std::string>{"12345678/+"});
  CHECK(index.match("123456789/a").empty());
  CHECK(index.match("1234567/8").empty());
}

TEST_CASE("filter index: the listeners of one filter keep the order of their ranks") {
  Index index;
  for (const std::uint64_t rank : {50U, 10U, 40U, 60U, 20U, 70U})
    index.add("a/+", rank);
  index.add("#", 30);
  std::vector<std::uint64_t> ranks;
  for (const Listener* listener : index.found("a/b"))
    ranks.push_back(listener->rank);
  CHECK(ranks == std::vector<std::uint64_t>{10, 20, 30, 40, 50, 60, 70});
}

TEST_CASE("filter index: ten thousand filters take at most 130 bytes each, and give them back") {
  Index index;
  for (int i = 0; i < 10'000; ++i) {
    const std::string number = std::to_string(i);
    const std::string device = "site/10/line/" + number + "/dev/" + number;
    index.add(i % 5 == 0   ? device + "/metric/+"
              : i % 5 == 1 ? device + "/#"
              : i % 5 == 2 ? "site/+/line/" + number + "/dev/+/metric/5"
                           : device + "/metric/5");
  }
  MESSAGE("heap for each filter: " << index.bytes() / 10'000 << " bytes");
  CHECK(index.bytes() <= 130 * 10'000);
  while (index.size() > 100)
    index.remove(index.size() - 1);
  CHECK(index.bytes() <= 200 * 100);
  while (index.size() > 0)
    index.remove(0);
  CHECK(index.bytes() == 0);
}

TEST_CASE("filter index: coming and going takes no more and more memory") {
  Index index;
  index.add("a/b");
  for (int i = 0; i < 1'000; ++i) {
    const std::string number = std::to_string(i);
    index.add("a/" + number);
    index.add("a/b");
    index.remove(index.size() - 2);
    index.remove(0);
  }
  CHECK(index.size() == 1);
  CHECK(index.bytes() < 1'000);
}

namespace {

// Readers that say when they have looked: a writer that has seen each of them look again may
// destroy what it retired before.
class Readers {
 public:
  static constexpr std::size_t kCount = 3;

  // False: that was enough.
  bool look_again(std::size_t reader) {
    looks_[reader].fetch_add(1);
    return !is_over_.load();
  }
  void end() { is_over_.store(true); }

  void wait_for_all() const {
    for (const auto& looks : looks_) {
      const std::uint64_t before = looks.load();
      while (looks.load() < before + 2)
        std::this_thread::yield();
    }
  }

 private:
  std::array<std::atomic<std::uint64_t>, kCount> looks_{};
  std::atomic<bool> is_over_{false};
};

// Looks at an index that changes. What `permanent` says has to be found each time.
void read(const FilterIndex& index, const std::vector<std::string>& topics,
          const std::vector<std::size_t>& permanent, Readers& readers, std::size_t self,
          std::atomic<int>& wrong) {
  Matches found;
  for (std::size_t at = self; readers.look_again(self); at = (at + 1) % topics.size()) {
    index.match(topics[at], found);
    std::size_t kept = 0;
    for (std::size_t i = 0; i < found.size(); ++i) {
      const auto* subscriber = static_cast<const Subscriber*>(found[i]);
      if (i > 0 && found[i - 1]->rank >= subscriber->rank) ++wrong;
      if (!topic_matches(subscriber->filter, topics[at])) ++wrong;
      if (subscriber->rank < 1'000) ++kept;
    }
    if (kept != permanent[at]) ++wrong;
  }
}

}  // namespace

TEST_CASE("filter index: readers find what stays while the writer changes the rest") {
  test::TopicGenerator generator(7);
  FilterIndex index(0xff00'0000'0003'0000);  // many collisions
  std::vector<Retired> retired;
  std::vector<std::unique_ptr<Subscriber>> kept, passing, gone;
  for (std::uint64_t rank = 1; rank <= 30; ++rank) {
    kept.push_back(std::make_unique<Subscriber>(generator.filter(), rank));
    index.insert(kept.back()->filter, kept.back().get(), retired);
  }
  std::vector<std::string> topics;
  std::vector<std::size_t> permanent;
  for (int i = 0; i < 50; ++i) {
    topics.push_back(generator.topic());
    permanent.push_back(static_cast<std::size_t>(std::count_if(
        kept.begin(), kept.end(),
        [&](const auto& subscriber) { return topic_matches(subscriber->filter, topics.back()); })));
  }
  Readers readers;
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (std::size_t self = 0; self < Readers::kCount; ++self)
    threads.emplace_back([&, self] { read(index, topics, permanent, readers, self, wrong); });
  for (std::uint64_t rank = 1'000; rank < 4'000; ++rank) {
    if (generator.below(40) >= passing.size()) {
      passing.push_back(std::make_unique<Subscriber>(generator.filter(), rank));
      index.insert(passing.back()->filter, passing.back().get(), retired);
    } else {
      const auto place =
          passing.begin() +
          static_cast<std::ptrdiff_t>(generator.below(static_cast<std::uint32_t>(passing.size())));
      index.erase((*place)->filter, place->get(), retired);
      gone.push_back(std::move(*place));
      passing.erase(place);
    }
    if (rank % 40 != 0) continue;
    readers.wait_for_all();
    for (const Retired& old : retired)
      old.destroy(old.object);
    retired.clear();
    gone.clear();
  }
  readers.end();
  for (std::thread& thread : threads)
    thread.join();
  for (const Retired& old : retired)
    old.destroy(old.object);
  CHECK(wrong == 0);
}
