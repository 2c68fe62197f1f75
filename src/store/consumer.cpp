#include <algorithm>
#include <utility>

#include "store/consumer_state.hpp"

namespace edgepost {
namespace {

Status closed() { return {Code::wrong_state, "consumer: its gateway was closed"}; }

}  // namespace

Consumer::Consumer(std::shared_ptr<State> state) : state_(std::move(state)) {}
Consumer::Consumer(Consumer&&) noexcept = default;
Consumer& Consumer::operator=(Consumer&&) noexcept = default;
Consumer::~Consumer() = default;

Result<std::vector<Event>> Consumer::fetch(const ReadLimits& limits) {
  State& state = *state_;
  const std::lock_guard lock(state.mutex);
  if (state.store == nullptr) return closed();
  std::vector<Event> events;
  const auto is_done = [&state](std::uint64_t sequence) { return state.cursor->is_done(sequence); };
  Status status = state.store->read(state.stream, state.position, limits, is_done, events);
  if (!events.empty()) {
    state.fetched_max = std::max(state.fetched_max, events.back().sequence);
    return events;  // a failure behind them comes with the next fetch
  }
  if (!status.is_ok()) return status;
  return events;
}

Status Consumer::acknowledge(std::uint64_t sequence) {
  State& state = *state_;
  const std::lock_guard lock(state.mutex);
  if (state.store == nullptr) return closed();
  if (state.cursor->is_done(sequence)) return {};
  if (sequence > state.fetched_max) {
    return {Code::invalid_argument, "consumer " + state.cursor->name + ": sequence " +
                                        std::to_string(sequence) + " was never fetched"};
  }
  if (state.cursor->settle(sequence, store::Outcome::acknowledged))
    state.store->acknowledged(*state.cursor);
  return {};
}

void Consumer::rewind() {
  const std::lock_guard lock(state_->mutex);
  state_->position = {state_->cursor->floor() + 1, std::nullopt};
}

ConsumerStatus Consumer::status() const {
  const std::uint64_t floor = state_->cursor->floor();
  const std::lock_guard lock(state_->mutex);
  // The stream lives as long as the store.
  const std::uint64_t last = state_->store == nullptr ? floor : state_->stream.next_sequence() - 1;
  return {state_->cursor->name, floor, last - std::min(floor, last)};
}

}  // namespace edgepost
