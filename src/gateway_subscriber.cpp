#include <algorithm>
#include <utility>

#include "gateway_parts.hpp"

namespace edgepost {
namespace {

Status check(const SubscriberOptions& options) {
  constexpr unsigned kWorkersMax = 64;
  constexpr Duration kPauseMax = std::chrono::hours(24);
  const std::string prefix = "subscriber " + options.consumer.name + ": ";
  if (options.workers == 0 || options.workers > kWorkersMax) {
    return {Code::invalid_argument, prefix + "workers: must be 1 to 64"};
  }
  const Duration pause = options.breaker.open_for;
  if (pause <= Duration::zero() || pause > kPauseMax) {
    return {Code::invalid_argument, prefix + "open_for: must be positive and at most 24 h"};
  }
  return {};
}

}  // namespace

Status Gateway::add_subscriber(const SubscriberOptions& options, DurableHandler handler) {
  if (Status status = check(options); !status.is_ok()) return status;
  const std::string prefix = "subscriber " + options.consumer.name + ": ";
  if (!handler) return {Code::invalid_argument, prefix + "no handler"};
  const std::lock_guard control(parts_->control_mutex);
  if (parts_->worker != nullptr) {
    return {Code::wrong_state, prefix + "stop the gateway before adding one"};
  }
  const Result<store::StreamLog*> stream = parts_->store->stream(options.stream);
  if (!stream) return stream.status();
  Result<Consumer> opened = consumer(options.stream, options.consumer);
  if (!opened) {
    if (opened.status().code() != Code::busy) return opened.status();
    return {Code::already_exists, prefix + "its name is taken: " + opened.status().message()};
  }
  auto subscriber = std::make_unique<Subscriber>(options, std::move(handler), std::move(*opened),
                                                 parts_->options.platform);
  const std::unique_lock lock(parts_->mutex);
  parts_->locals.push_back({*stream, std::move(subscriber)});
  return {};
}

Instant Gateway::Parts::step_subscribers(Instant now) {
  std::vector<Subscriber*> subscribers;
  {
    const std::shared_lock lock(mutex);
    for (const Local& local : locals)
      subscribers.push_back(local.subscriber.get());
  }
  Instant next = Instant::max();
  for (Subscriber* subscriber : subscribers)  // without the lock: a handler may publish
    next = std::min(next, subscriber->step(now));
  return next;
}

Status Gateway::Parts::launch_subscribers() {
  Status status;
  for (const Local& local : locals) {
    if (status = local.subscriber->launch(); !status.is_ok()) break;
  }
  if (status.is_ok()) return status;
  for (const Local& local : locals)
    local.subscriber->halt();
  return status;
}

}  // namespace edgepost
