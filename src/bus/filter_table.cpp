#include "bus/filter_table.hpp"

#include <algorithm>
#include <cstring>
#include <new>

namespace edgepost::bus {
namespace {

std::string_view without_rest(std::string_view filter) {
  return filter.substr(0, filter.size() - (filter.size() == 1 ? 1 : 2));
}

}  // namespace

FilterShape::FilterShape(std::string_view filter) : text(filter), is_rest(filter.back() == '#') {
  if (is_rest) text = without_rest(filter);
  if (filter == "#") return;
  const Levels all(text);
  levels = static_cast<std::uint16_t>(all.count());
  for (std::uint16_t i = 0; i < levels; ++i) {
    if (all.size(i) == 1 && text[all.begin(i)] == '+') plus.push_back(i);
  }
}

FilterTable::FilterTable(const FilterShape& shape, std::uint64_t key_mask, std::uint32_t buckets)
    : tags_(reinterpret_cast<Tags*>(this + 1)),
      places_(reinterpret_cast<Place*>(tags_ + buckets)),
      plus_(reinterpret_cast<std::uint16_t*>(places_ + kSlots * buckets)),
      literal_(reinterpret_cast<std::uint8_t*>(plus_ + shape.plus.size() + 1)),
      key_mask_(key_mask),
      buckets_(buckets),
      levels_(shape.levels),
      plus_count_(static_cast<std::uint16_t>(shape.plus.size())),
      groups_(static_cast<std::uint8_t>(shape.groups())),
      is_rest_(shape.is_rest),
      begins_wild_(shape.levels == 0 || (!shape.plus.empty() && shape.plus.front() == 0)) {
  for (std::size_t i = 0; i < buckets; ++i)
    new (tags_ + i) Tags(0);
  for (std::size_t i = 0; i < kSlots * buckets; ++i)
    new (places_ + i) Place(nullptr);
  *std::copy(shape.plus.begin(), shape.plus.end(), plus_) = kNoLevel;
  std::fill_n(literal_, groups_, std::uint8_t{0});
  for (std::size_t level = 0; level < levels_; ++level)
    literal_[level / Levels::kGroup] |= static_cast<std::uint8_t>(1U << level % Levels::kGroup);
  for (const std::size_t level : shape.plus)
    literal_[level / Levels::kGroup] ^= static_cast<std::uint8_t>(1U << level % Levels::kGroup);
}

std::size_t FilterTable::bytes(std::size_t buckets, std::size_t plus_count, std::size_t groups) {
  return sizeof(FilterTable) + buckets * (sizeof(Tags) + kSlots * sizeof(Place)) +
         (plus_count + 1) * sizeof(std::uint16_t) + groups;
}

FilterTable* FilterTable::make(const FilterShape& shape, std::uint64_t key_mask,
                               std::size_t filters, IndexHeap& heap) {
  const std::size_t buckets = std::bit_ceil((filters + kFiltersMean - 1) / kFiltersMean);
  void* memory = heap.allocate(bytes(buckets, shape.plus.size(), shape.groups()));
  return new (memory) FilterTable(shape, key_mask, static_cast<std::uint32_t>(buckets));
}

bool FilterTable::has(const FilterShape& shape) const {
  return levels_ == shape.levels && is_rest_ == shape.is_rest &&
         std::equal(shape.plus.begin(), shape.plus.end(), plus_, plus_ + plus_count_);
}

// Compares what stands between the `+`. Where the bytes are the same, the slashes are, too: text
// and topic are at the same level again.
bool FilterTable::matches(std::string_view text, std::string_view topic,
                          const Levels& levels) const {
  const char* filter = text.data();
  std::size_t left = text.size();
  std::size_t level = 0;
  for (const std::uint16_t* plus = plus_; *plus != kNoLevel; ++plus) {
    const std::size_t begin = levels.begin(level);
    const std::size_t size = levels.begin(*plus) - begin;
    if (left <= size || std::memcmp(filter, topic.data() + begin, size) != 0) return false;
    level = *plus + std::size_t{1};
    if (level == levels_) return true;
    filter += size + 2;
    left -= size + 2;
  }
  if (levels_ == 0) return true;
  const std::size_t begin = levels.begin(level);
  const std::size_t size = levels.begin(levels_) - 1 - begin;
  return left == size && std::memcmp(filter, topic.data() + begin, size) == 0;
}

FilterTable::Place* FilterTable::find(std::string_view text) {
  const std::uint64_t wanted = key(Levels(text, levels_));
  const std::size_t begin = first(wanted);
  std::size_t bucket = begin;
  do {
    for (std::size_t i = 0; i < kSlots; ++i) {
      Place& place = places_[bucket * kSlots + i];
      const FilterNode* node = place.load(std::memory_order_relaxed);
      if (node != nullptr && node->text() == text) return &place;
    }
    if (tags_[bucket].load(std::memory_order_relaxed) >> kPassedShift == 0) break;
    bucket = next(bucket);
  } while (bucket != begin);
  return nullptr;
}

// Counts up or down who went on behind a full bucket. Once there are too many to count, it stays so
// until the table is replaced.
void FilterTable::pass(std::size_t bucket, std::uint64_t difference) {
  const std::uint64_t tags = tags_[bucket].load(std::memory_order_relaxed);
  if (tags >> kPassedShift == 0xff) return;
  tags_[bucket].store(tags + (difference << kPassedShift), std::memory_order_relaxed);
}

bool FilterTable::insert(FilterNode* node) {
  if (filters_ >= kFiltersMean * buckets_) return false;
  const std::uint64_t wanted = key(Levels(node->text(), levels_));
  std::size_t bucket = first(wanted);
  for (;; bucket = next(bucket)) {
    const std::uint64_t tags = tags_[bucket].load(std::memory_order_relaxed);
    for (std::size_t i = 0; i < kSlots; ++i) {
      Place& place = places_[bucket * kSlots + i];
      if (place.load(std::memory_order_relaxed) != nullptr) continue;
      const std::uint64_t others = tags & ~(std::uint64_t{0xff} << (8 * i));
      place.store(node, std::memory_order_release);
      tags_[bucket].store(others | tag_of(wanted) << (8 * i), std::memory_order_release);
      ++filters_;
      return true;
    }
    pass(bucket, 1);
  }
}

void FilterTable::erase(Place* place) {
  const auto at = static_cast<std::size_t>(place - places_);
  const std::uint64_t wanted = key(Levels(place->load(std::memory_order_relaxed)->text(), levels_));
  const std::size_t own = at / kSlots;
  place->store(nullptr, std::memory_order_relaxed);
  --filters_;
  for (std::size_t bucket = first(wanted); bucket != own; bucket = next(bucket))
    pass(bucket, ~std::uint64_t{0});
}

FilterTable* FilterTable::replace(IndexHeap& heap) {
  FilterShape shape;
  shape.levels = levels_;
  shape.is_rest = is_rest_;
  shape.plus.assign(plus_, plus_ + plus_count_);
  FilterTable* table = make(shape, key_mask_, filters_ + std::size_t{1}, heap);
  for_each([&](FilterNode* node) { table->insert(node); });
  heap.retire(this, bytes());
  return table;
}

}  // namespace edgepost::bus
