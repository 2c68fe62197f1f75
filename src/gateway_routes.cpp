#include "gateway_routes.hpp"

#include <algorithm>
#include <mutex>
#include <utility>

#include "base/topic.hpp"
#include "gateway_parts.hpp"

namespace edgepost {
namespace {

// At once: whoever changes routes is alone.
void destroy(std::vector<bus::Retired>& old) {
  for (const bus::Retired& one : old)
    one.destroy(one.object);
}

Status check(const RouteOptions& options) {
  if (options.every == 0) return {Code::invalid_argument, "every: must be 1 or more"};
  if (options.interval < Duration::zero() || options.interval > kTimeoutMax)
    return {Code::invalid_argument, "interval: must be 0 to 24 h"};
  return {};
}

}  // namespace

void Routes::insert(std::unique_ptr<Route> route) {
  std::vector<bus::Retired> old;
  route->rank = ++last_rank_;
  index_.insert(route->filter, route.get(), old);
  destroy(old);
  routes_.push_back(std::move(route));
}

void Routes::add(std::string_view filter, store::StreamLog& stream, const RouteOptions& options) {
  auto route = std::make_unique<Route>();
  route->filter = filter;
  route->stream = &stream;
  route->durability = options.durability;
  if (options.every > 1 || options.interval > Duration::zero()) {
    route->sampler = std::make_unique<Sampler>(
        SubscribeOptions{.every = options.every, .interval = options.interval, .latest = false});
  }
  const std::unique_lock lock(mutex_);
  insert(std::move(route));
}

void Routes::set_own(store::StreamLog& stream) {
  const StreamOptions told = stream.options();
  const std::unique_lock lock(mutex_);
  std::vector<bus::Retired> old;
  std::erase_if(routes_, [&](const std::unique_ptr<Route>& route) {
    const bool goes = route->stream->is_deleted() || (route->is_own && route->stream == &stream);
    if (goes) index_.erase(route->filter, route.get(), old);
    return goes;
  });
  destroy(old);
  for (const std::string& filter : told.filters) {
    auto route = std::make_unique<Route>();
    route->filter = filter;
    route->stream = &stream;
    route->is_own = true;
    insert(std::move(route));
  }
}

Routes::Ways Routes::find(const Event& event, Durability durability, Instant now) const {
  Ways ways;
  bus::Matches matches;
  const std::shared_lock lock(mutex_);
  for (const bus::Listener* const listener : index_.match(event.topic, matches)) {
    const Route& route = static_cast<const Route&>(*listener);
    if (route.stream->is_deleted()) continue;
    ways.is_taken = true;
    Sampler* const sampler = route.sampler.get();
    if (sampler != nullptr && sampler->gate.admit(event, now) != bus::Gate::Verdict::passes)
      continue;
    if (route.durability.value_or(durability) == Durability::stored)
      ways.durability = Durability::stored;
    if (std::find(ways.streams.begin(), ways.streams.end(), route.stream) == ways.streams.end())
      ways.streams.push_back(route.stream);
  }
  return ways;
}

Status Gateway::route(std::string_view filter, std::string_view stream,
                      const RouteOptions& options) {
  if (Status status = validate_filter(filter); !status.is_ok()) return status;
  if (Status status = check(options); !status.is_ok()) return status;
  const Result<store::StreamLog*> found = parts_->store->stream(stream);
  if (!found) return found.status();
  parts_->routes.add(filter, **found, options);
  return {};
}

Result<Handler> Gateway::spill(std::string_view stream) {
  const Result<store::StreamLog*> found = parts_->store->stream(stream);
  if (!found) return found.status();
  return Handler([&parts = *parts_, to = *found](const Event& event) -> Status {
    if (to->is_deleted()) return {Code::not_found, "stream " + to->name() + ": was deleted"};
    Event copy = event;
    const auto guessed_at = parts.complete_event(copy);
    if (!guessed_at) return guessed_at.status();
    store::StreamLog* const streams[] = {to};
    return parts.store->append_buffered(streams, copy, *guessed_at);
  });
}

}  // namespace edgepost
