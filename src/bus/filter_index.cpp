#include "bus/filter_index.hpp"

#include <algorithm>
#include <new>
#include <span>

#include "bus/filter_table.hpp"
#include "bus/levels.hpp"

namespace edgepost::bus {

/// The tables, ordered by what topics they are for. A shape that comes or goes makes a new
/// directory; a table that grows changes its place.
class FilterIndex::Directory {
 public:
  using Place = std::atomic<FilterTable*>;

  /// Orders `tables`.
  static Directory* make(std::vector<FilterTable*>& tables, IndexHeap& heap) {
    std::sort(tables.begin(), tables.end(), [](const auto* one, const auto* other) {
      return one->is_rest() != other->is_rest() ? other->is_rest()
                                                : one->levels() < other->levels();
    });
    std::size_t levels_max = 0;
    for (const FilterTable* table : tables)
      levels_max = std::max(levels_max, table->levels());
    void* memory = heap.allocate(bytes(tables.size(), levels_max));
    return new (memory) Directory(tables, levels_max);
  }

  [[nodiscard]] std::size_t levels_max() const { return levels_max_; }
  [[nodiscard]] std::size_t bytes() const { return bytes(count_, levels_max_); }

  [[nodiscard]] std::vector<FilterTable*> tables() const {
    std::vector<FilterTable*> tables;
    for (const Place& place : std::span(places(), count_))
      tables.push_back(place.load(std::memory_order_relaxed));
    return tables;
  }

  /// Those of `levels` levels, all of which count.
  [[nodiscard]] std::span<const Place> exact(std::size_t levels) const {
    if (levels > levels_max_) return {};
    return {places() + ends()[levels - 1], places() + ends()[levels]};
  }

  /// Those of at most `levels` levels that end with `#`.
  [[nodiscard]] std::span<const Place> rest(std::size_t levels) const {
    const std::size_t most = std::min(levels, levels_max_);
    return {places() + ends()[levels_max_], places() + ends()[levels_max_ + 1 + most]};
  }

  Place* find(const FilterShape& shape) {
    for (Place& place : std::span(places(), count_)) {
      if (place.load(std::memory_order_relaxed)->has(shape)) return &place;
    }
    return nullptr;
  }

 private:
  Directory(const std::vector<FilterTable*>& tables, std::size_t levels_max)
      : count_(static_cast<std::uint32_t>(tables.size())), levels_max_(levels_max) {
    std::size_t group = 0;
    for (std::uint32_t i = 0; i < count_; ++i) {
      new (places() + i) Place(tables[i]);
      const std::size_t own = tables[i]->levels() + (tables[i]->is_rest() ? levels_max + 1 : 0);
      for (; group < own; ++group)
        ends()[group] = i;
    }
    for (; group < 2 * (levels_max + 1); ++group)
      ends()[group] = count_;
  }

  static std::size_t bytes(std::size_t tables, std::size_t levels_max) {
    return sizeof(Directory) + tables * sizeof(Place) +
           2 * (levels_max + 1) * sizeof(std::uint32_t);
  }

  // The places follow the object. Behind them is where each group of them ends: those of no level,
  // of one, …, and then those with a `#` behind no level, behind one, ….
  Place* places() { return reinterpret_cast<Place*>(this + 1); }
  [[nodiscard]] const Place* places() const { return reinterpret_cast<const Place*>(this + 1); }
  std::uint32_t* ends() { return reinterpret_cast<std::uint32_t*>(places() + count_); }
  [[nodiscard]] const std::uint32_t* ends() const {
    return reinterpret_cast<const std::uint32_t*>(places() + count_);
  }

  alignas(Place) const std::uint32_t count_;
  const std::size_t levels_max_;
};

FilterIndex::~FilterIndex() {
  Directory* directory = directory_.load(std::memory_order_relaxed);
  if (directory == nullptr) return;
  for (FilterTable* table : directory->tables()) {
    table->for_each([](FilterNode* node) { ::operator delete(node); });
    ::operator delete(table);
  }
  ::operator delete(directory);
}

void FilterIndex::insert(std::string_view filter, Listener* listener,
                         std::vector<Retired>& retired) {
  IndexHeap heap{retired, bytes_};
  const FilterShape shape(filter);
  Directory* directory = directory_.load(std::memory_order_relaxed);
  std::atomic<FilterTable*>* place = directory == nullptr ? nullptr : directory->find(shape);
  if (place == nullptr) {
    FilterTable* table = FilterTable::make(shape, key_mask_, 1, heap);
    table->insert(FilterNode::make(shape.text, 1, heap)->insert(listener, heap));
    auto tables = directory == nullptr ? std::vector<FilterTable*>() : directory->tables();
    tables.push_back(table);
    replace_directory(tables, heap);
    return;
  }
  FilterTable* table = place->load(std::memory_order_relaxed);
  if (FilterTable::Place* found = table->find(shape.text)) {
    FilterNode* node = found->load(std::memory_order_relaxed)->insert(listener, heap);
    found->store(node, std::memory_order_release);
    return;
  }
  FilterNode* node = FilterNode::make(shape.text, 1, heap)->insert(listener, heap);
  if (table->insert(node)) return;
  table = table->replace(heap);
  table->insert(node);
  place->store(table, std::memory_order_release);
}

void FilterIndex::erase(std::string_view filter, Listener* listener,
                        std::vector<Retired>& retired) {
  IndexHeap heap{retired, bytes_};
  const FilterShape shape(filter);
  Directory* directory = directory_.load(std::memory_order_relaxed);
  std::atomic<FilterTable*>* place = directory->find(shape);
  FilterTable* table = place->load(std::memory_order_relaxed);
  FilterTable::Place* found = table->find(shape.text);
  FilterNode* node = found->load(std::memory_order_relaxed)->erase(listener, heap);
  if (node != nullptr) {
    found->store(node, std::memory_order_release);
    return;
  }
  table->erase(found);
  if (table->filters() == 0) {
    auto tables = directory->tables();
    std::erase(tables, table);
    replace_directory(tables, heap);
    heap.retire(table, table->bytes());
  } else if (table->is_sparse()) {
    place->store(table->replace(heap), std::memory_order_release);
  }
}

void FilterIndex::replace_directory(std::vector<FilterTable*>& tables, IndexHeap& heap) {
  Directory* old = directory_.load(std::memory_order_relaxed);
  directory_.store(tables.empty() ? nullptr : Directory::make(tables, heap),
                   std::memory_order_release);
  if (old != nullptr) heap.retire(old, old->bytes());
}

namespace {

// Asks each table once; how many filters match.
std::size_t ask(std::span<const std::atomic<FilterTable*>> tables, std::string_view topic,
                const Levels& levels, Matches& out) {
  const bool is_system = topic.front() == '$';
  std::size_t found = 0;
  for (const auto& place : tables) {
    const FilterTable* table = place.load(std::memory_order_acquire);
    if (is_system && table->begins_wild()) [[unlikely]]
      continue;
    const FilterNode* node = table->match(topic, levels);
    if (node == nullptr) continue;
    node->collect(out);
    ++found;
  }
  return found;
}

}  // namespace

std::span<Listener* const> FilterIndex::match(std::string_view topic, Matches& scratch) const {
  scratch.clear();
  const Directory* directory = directory_.load(std::memory_order_acquire);
  if (directory == nullptr) return scratch;
  const Levels levels(topic, directory->levels_max());
  std::size_t found = ask(directory->exact(levels.count()), topic, levels, scratch);
  found += ask(directory->rest(levels.count()), topic, levels, scratch);
  if (found > 1) {
    std::sort(scratch.begin(), scratch.end(),
              [](const Listener* one, const Listener* other) { return one->rank < other->rank; });
  }
  return scratch;
}

}  // namespace edgepost::bus
