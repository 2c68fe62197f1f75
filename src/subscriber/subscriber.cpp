#include "subscriber/subscriber.hpp"

#include <array>
#include <bit>
#include <span>
#include <utility>

#include "base/backoff.hpp"

namespace edgepost {

Subscriber::Subscriber(SubscriberOptions options, DurableHandler handler, Consumer consumer,
                       const Platform& platform)
    : options_(std::move(options)),
      handler_(std::move(handler)),
      consumer_(std::move(consumer)),
      platform_(platform),
      breaker_(options_.breaker) {
  status_.name = options_.consumer.name;
  status_.stream = options_.stream;
}

Instant Subscriber::step(Instant now) {
  has_events_ = false;  // before reading: what is stored from here on wakes us again
  if (const Instant next = admit(now); next > now) return next;
  // One at a time: an event that waits here for its turn would use up its ack_wait.
  const Result<std::vector<Event>> events = consumer_.fetch({.events = 1});
  if (events && !events->empty()) {
    handle(events->front());
    return now;
  }
  const std::lock_guard lock(mutex_);
  breaker_.unused();
  if (!events) return pause_after(events.status());
  read_failures_ = 0;
  return consumer_.next_due();
}

Instant Subscriber::admit(Instant now) {
  const std::lock_guard lock(mutex_);
  return breaker_.admit(now);
}

Instant Subscriber::pause_after(const Status& problem) {
  note(problem.message());
  std::array<std::byte, sizeof(std::uint64_t)> bytes{};
  platform_.random->fill(RandomUse::jitter, bytes);
  const auto random = std::bit_cast<std::uint64_t>(bytes);
  return platform_.clock->now() + backoff_delay(options_.consumer.retry, read_failures_++, random);
}

void Subscriber::handle(const Event& event) {
  const Status outcome = handler_(event);
  Status settled;
  if (outcome.is_ok()) {
    settled = consumer_.acknowledge(event.sequence);
  } else if (outcome.code() == Code::refused) {
    settled = consumer_.reject(event.sequence, "refused", outcome.message());
  } else {
    settled = consumer_.nack(event.sequence, outcome.message());
  }
  account(event, outcome, settled);
}

void Subscriber::account(const Event& event, const Status& outcome, const Status& settled) {
  bool was_open = false;
  bool is_open = false;
  {
    const std::lock_guard lock(mutex_);
    read_failures_ = 0;
    was_open = breaker_.is_open();
    ++(outcome.is_ok() ? status_.handled : status_.failed);
    if (outcome.is_ok() || outcome.code() == Code::refused) {
      breaker_.succeeded();
    } else {
      breaker_.failed(platform_.clock->now());
    }
    is_open = breaker_.is_open();
    if (!outcome.is_ok()) {
      note("sequence " + std::to_string(event.sequence) + ": " + outcome.message());
    }
    // An answer that came later than ack_wait allows is not wanted any more, which is no problem.
    const bool is_late = settled.code() == Code::invalid_argument;
    if (!settled.is_ok() && !is_late) note(settled.message());
    if (is_open != was_open) {
      const std::string change = is_open ? ": everything fails, pauses" : ": goes on";
      platform_.logger->write(is_open ? LogLevel::warning : LogLevel::info, "subscriber",
                              status_.name + change);
    }
  }
  // This thread may be in its next event for long when the time of this one has come.
  if (!outcome.is_ok() || was_open) wake_workers();
}

void Subscriber::note(std::string problem) {
  if (problem == status_.last_error) return;
  platform_.logger->write(LogLevel::warning, "subscriber", status_.name + ": " + problem);
  status_.last_error = std::move(problem);
}

Status Subscriber::launch() {
  std::vector<std::unique_ptr<Worker>> workers;
  for (unsigned i = 0; i < options_.workers; ++i) {
    const auto work = [this](Instant now) { return is_running_ ? step(now) : Instant::max(); };
    Result<std::unique_ptr<Worker>> worker =
        Worker::start(*platform_.clock, work, options_.consumer.name);
    if (!worker) return worker.status();
    workers.push_back(std::move(*worker));
  }
  const std::lock_guard lock(workers_mutex_);
  workers_ = std::move(workers);
  return {};
}

void Subscriber::run() {
  is_running_ = true;
  wake_workers();
}

void Subscriber::halt() {
  is_running_ = false;
  std::vector<std::unique_ptr<Worker>> workers;
  {
    const std::lock_guard lock(workers_mutex_);
    workers.swap(workers_);
  }
  workers.clear();  // without the lock, which a handler that publishes wants
}

void Subscriber::wake() {
  if (has_events_ || has_events_.exchange(true)) return;
  wake_workers();
}

void Subscriber::wake_workers() {
  const std::lock_guard lock(workers_mutex_);
  for (const auto& worker : workers_)
    worker->wake();
}

SubscriberStatus Subscriber::status() const {
  SubscriberStatus status;
  {
    const std::lock_guard lock(mutex_);
    status = status_;
    status.is_breaker_open = breaker_.is_open();
  }
  status.lag = consumer_.status().lag;
  return status;
}

}  // namespace edgepost
