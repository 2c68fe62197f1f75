#include "bus/filter_table.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>

namespace edgepost::bus {
namespace {

// What a tag says of its place when it is none of a filter.
constexpr std::uint16_t kEmpty = 0;  // nothing is there, nor behind it in this row
constexpr std::uint16_t kGrave = 1;  // something was: the row goes on

std::uint16_t tag_of(std::uint64_t key) {
  return static_cast<std::uint16_t>((key >> 16U) | 2U);  // neither of the two
}

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

FilterTable::FilterTable(const FilterShape& shape, std::uint64_t key_mask, std::uint32_t capacity)
    : places_(reinterpret_cast<Place*>(this + 1)),
      tags_(reinterpret_cast<Tag*>(places_ + capacity)),
      plus_(reinterpret_cast<std::uint16_t*>(tags_ + capacity)),
      key_mask_(key_mask),
      capacity_(capacity),
      levels_(shape.levels),
      plus_count_(static_cast<std::uint16_t>(shape.plus.size())),
      shift_(static_cast<std::uint8_t>(64 - std::countr_zero(capacity))),
      is_rest_(shape.is_rest),
      begins_wild_(shape.levels == 0 || (!shape.plus.empty() && shape.plus.front() == 0)) {
  for (std::uint32_t i = 0; i < capacity; ++i) {
    new (places_ + i) Place(nullptr);
    new (tags_ + i) Tag(kEmpty);
  }
  std::copy(shape.plus.begin(), shape.plus.end(), plus_);
}

std::size_t FilterTable::bytes() const {
  return sizeof(FilterTable) + capacity_ * (sizeof(Place) + sizeof(Tag)) +
         plus_count_ * sizeof(std::uint16_t);
}

FilterTable* FilterTable::make(const FilterShape& shape, std::uint64_t key_mask,
                               std::size_t filters, IndexHeap& heap) {
  // Half full at most at first, three quarters later.
  const std::size_t capacity = std::bit_ceil(2 * filters);
  void* memory = heap.allocate(sizeof(FilterTable) + capacity * (sizeof(Place) + sizeof(Tag)) +
                               shape.plus.size() * sizeof(std::uint16_t));
  return new (memory) FilterTable(shape, key_mask, static_cast<std::uint32_t>(capacity));
}

bool FilterTable::has(const FilterShape& shape) const {
  return levels_ == shape.levels && is_rest_ == shape.is_rest &&
         std::equal(shape.plus.begin(), shape.plus.end(), plus_, plus_ + plus_count_);
}

std::uint64_t FilterTable::key(const Levels& levels) const {
  std::uint64_t sum = levels.sum(levels_);
  for (std::uint16_t i = 0; i < plus_count_; ++i)
    sum -= levels.hash(plus_[i]);
  return sum & key_mask_;
}

// Compares what stands between the `+`. Where the bytes are the same, the slashes are, too: text
// and topic are at the same level again.
bool FilterTable::matches(std::string_view text, std::string_view topic,
                          const Levels& levels) const {
  const char* filter = text.data();
  std::size_t left = text.size();
  std::size_t level = 0;
  for (std::uint16_t i = 0; i < plus_count_; ++i) {
    const std::size_t begin = levels.begin(level);
    const std::size_t size = levels.begin(plus_[i]) - begin;
    if (left <= size || std::memcmp(filter, topic.data() + begin, size) != 0) return false;
    level = plus_[i] + std::size_t{1};
    if (level == levels_) return true;
    filter += size + 2;
    left -= size + 2;
  }
  if (levels_ == 0) return true;
  const std::size_t begin = levels.begin(level);
  const std::size_t size = levels.begin(levels_) - 1 - begin;
  return left == size && std::memcmp(filter, topic.data() + begin, size) == 0;
}

const FilterNode* FilterTable::match(std::string_view topic, const Levels& levels) const {
  const std::uint64_t wanted = key(levels);
  const std::uint16_t tag = tag_of(wanted);
  for (std::size_t at = first(wanted);; at = next(at)) {
    // Relaxed: of what was inserted before this began, everything is seen, and of what is inserted
    // meanwhile nothing needs to be. A tag that is out of date leads to a text that does not match.
    const std::uint16_t seen = tags_[at].load(std::memory_order_relaxed);
    if (seen == kEmpty) return nullptr;
    if (seen != tag) continue;
    const FilterNode* node = places_[at].load(std::memory_order_acquire);
    if (node != nullptr && matches(node->text(), topic, levels)) return node;
  }
}

FilterTable::Place* FilterTable::find(std::string_view text) {
  const std::uint64_t wanted = key(Levels(text, levels_));
  const std::uint16_t tag = tag_of(wanted);
  for (std::size_t at = first(wanted);; at = next(at)) {
    const std::uint16_t seen = tags_[at].load(std::memory_order_relaxed);
    if (seen == kEmpty) return nullptr;
    if (seen == tag && places_[at].load(std::memory_order_relaxed)->text() == text)
      return &places_[at];
  }
}

bool FilterTable::insert(FilterNode* node) {
  const std::uint64_t wanted = key(Levels(node->text(), levels_));
  std::size_t at = first(wanted);
  while (tags_[at].load(std::memory_order_relaxed) > kGrave)
    at = next(at);
  if (tags_[at].load(std::memory_order_relaxed) == kEmpty) {
    if ((used_ + 1) * 4 > capacity_ * 3) return false;
    ++used_;
  }
  ++live_;
  places_[at].store(node, std::memory_order_release);
  tags_[at].store(tag_of(wanted), std::memory_order_release);
  return true;
}

void FilterTable::erase(Place* place) {
  auto at = static_cast<std::size_t>(place - places_);
  --live_;
  tags_[at].store(kGrave, std::memory_order_relaxed);
  place->store(nullptr, std::memory_order_relaxed);
  if (tags_[next(at)].load(std::memory_order_relaxed) != kEmpty) return;
  // Nothing follows: no row goes through the graves before it.
  for (; tags_[at].load(std::memory_order_relaxed) == kGrave; at = (at - 1) & (capacity_ - 1)) {
    tags_[at].store(kEmpty, std::memory_order_relaxed);
    --used_;
  }
}

FilterTable* FilterTable::replace(IndexHeap& heap) {
  FilterShape shape;
  shape.levels = levels_;
  shape.is_rest = is_rest_;
  shape.plus.assign(plus_, plus_ + plus_count_);
  FilterTable* table = make(shape, key_mask_, live_ + std::size_t{1}, heap);
  for_each([&](FilterNode* node) { table->insert(node); });
  heap.retire(this, bytes());
  return table;
}

bool FilterTable::is_sparse() const { return capacity_ > 8 && live_ * 8 < capacity_; }

}  // namespace edgepost::bus
