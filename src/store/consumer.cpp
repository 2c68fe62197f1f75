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
  const std::lock_guard lock(state_->mutex);
  if (state_->store == nullptr) return closed();
  std::vector<Event> events;
  Status status = state_->fetch(limits, events);
  // A failure behind events comes with the next fetch.
  if (events.empty() && !status.is_ok()) return status;
  return events;
}

Status Consumer::acknowledge(std::uint64_t sequence) {
  const std::lock_guard lock(state_->mutex);
  return state_->store == nullptr ? closed() : state_->acknowledge(sequence);
}

Status Consumer::nack(std::uint64_t sequence, std::string_view error,
                      std::optional<Duration> delay) {
  const std::lock_guard lock(state_->mutex);
  return state_->store == nullptr ? closed() : state_->nack(sequence, error, delay);
}

Status Consumer::reject(std::uint64_t sequence, std::string_view reason, std::string_view error) {
  constexpr std::size_t kReasonMax = 64;
  const std::lock_guard lock(state_->mutex);
  if (state_->store == nullptr) return closed();
  if (reason.empty() || reason.size() > kReasonMax) {
    return {Code::invalid_argument,
            "consumer " + state_->cursor->name + ": reason: must be 1 to 64 characters"};
  }
  if (!state_->delivery.is_in_flight(sequence)) return state_->not_in_flight(sequence);
  state_->delivery.reject(sequence, reason, error);
  return state_->bury();
}

Status Consumer::release(std::uint64_t sequence, Duration delay) {
  const std::lock_guard lock(state_->mutex);
  if (state_->store == nullptr) return closed();
  if (!state_->delivery.is_in_flight(sequence)) return state_->not_in_flight(sequence);
  const Instant now = state_->store->platform().clock->now();
  state_->delivery.release(sequence, delay > Duration::zero() ? now + delay : Instant());
  return {};
}

unsigned Consumer::attempts(std::uint64_t sequence) const {
  const std::lock_guard lock(state_->mutex);
  return state_->store == nullptr ? 0 : state_->delivery.attempts().of(sequence).attempts;
}

void Consumer::rewind() {
  const std::lock_guard lock(state_->mutex);
  state_->delivery.rewind();
}

Instant Consumer::next_due() const {
  const std::lock_guard lock(state_->mutex);
  return state_->store == nullptr ? Instant() : state_->next_due();  // fetch() says what is wrong
}

ConsumerStatus Consumer::status() const {
  const std::uint64_t floor = state_->cursor->floor();
  const std::lock_guard lock(state_->mutex);
  // The stream lives as long as the store.
  const std::uint64_t last = state_->store == nullptr ? floor : state_->stream.next_sequence() - 1;
  return {state_->cursor->name, floor, last - std::min(floor, last)};
}

}  // namespace edgepost
