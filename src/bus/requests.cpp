#include "bus/requests.hpp"

#include <charconv>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <optional>
#include <string>

#include "base/attributes.hpp"
#include "base/topic.hpp"
#include "bus/shared.hpp"

namespace edgepost {
namespace bus {
namespace {

constexpr std::string_view kReplyPrefix = kReplyFilter.substr(0, kReplyFilter.size() - 1);

// 0, which no request has, for any other topic.
std::uint64_t number_of(std::string_view topic) {
  std::uint64_t number = 0;
  topic.remove_prefix(kReplyPrefix.size());
  const auto [end, error] = std::from_chars(topic.data(), topic.data() + topic.size(), number);
  return end == topic.data() + topic.size() ? number : 0;
}

}  // namespace

bool Requests::listen() {
  const std::lock_guard lock(mutex_);
  return !std::exchange(listens_, true);
}

std::uint64_t Requests::begin(Event& request, Timestamp wall, Instant deadline, Done done) {
  if (request.correlation_id.empty()) request.correlation_id = ids_.next(wall).to_string();
  const std::lock_guard lock(mutex_);
  const std::uint64_t number = ++last_;
  request.attributes.push_back(
      {std::string(kResponseTopic), std::string(kReplyPrefix) + std::to_string(number)});
  waiting_.emplace(number, Waiting{request.topic, deadline, std::move(done)});
  deadlines_.emplace(deadline, number);
  return number;
}

bool Requests::waits(std::uint64_t number) const {
  const std::lock_guard lock(mutex_);
  return waiting_.contains(number);
}

void Requests::Waiting::fail(std::string_view why) const {
  done(Status(Code::unavailable, "request to " + topic + ": " + std::string(why)));
}

Requests::Waiting Requests::take(All::iterator found) {
  deadlines_.erase({found->second.deadline, found->first});
  return std::move(waiting_.extract(found).mapped());
}

bool Requests::cancel(std::uint64_t number) {
  Waiting waiting;  // destroyed without the lock: what it holds may come back to the bus
  const std::lock_guard lock(mutex_);
  const auto found = waiting_.find(number);
  if (found == waiting_.end()) return false;
  waiting = take(found);
  return true;
}

void Requests::answer(const Event& reply) {
  Waiting waiting;
  {
    const std::lock_guard lock(mutex_);
    const auto found = waiting_.find(number_of(reply.topic));
    if (found == waiting_.end()) return;
    waiting = take(found);
  }
  waiting.done(reply);
}

Instant Requests::run(Instant now) {
  for (;;) {
    Waiting waiting;
    {
      const std::lock_guard lock(mutex_);
      if (deadlines_.empty()) return Instant::max();
      const auto [deadline, number] = *deadlines_.begin();
      if (deadline > now) return deadline;
      waiting = take(waiting_.find(number));
    }
    waiting.fail("no reply came in time");
  }
}

void Requests::close() {
  All all;
  {
    const std::lock_guard lock(mutex_);
    all.swap(waiting_);
    deadlines_.clear();
  }
  for (auto& [number, waiting] : all)
    waiting.fail("the bus was destroyed");
}

}  // namespace bus

namespace {

Status invalid(std::string message) { return {Code::invalid_argument, std::move(message)}; }

}  // namespace

Status Bus::request(Event request, Duration timeout,
                    std::function<void(const Result<Event>&)> done) {
  if (!done) return invalid("done: empty, a function is wanted");
  if (timeout <= Duration::zero()) return invalid("timeout: must be positive");
  if (find_attribute(request, kResponseTopic) != nullptr)
    return invalid("responsetopic: the request has one already");
  bus::Requests& requests = *shared_->requests;
  if (requests.listen()) {
    shared_->add(bus::kReplyFilter, bus::kInternalPriority, [&requests](const Event& reply) {
      requests.answer(reply);
      return Status();
    });
  }
  const Clock& clock = *shared_->options.platform.clock;
  const Instant now = clock.now();
  const Instant deadline = now + std::min(timeout, Instant::max() - now);
  const std::uint64_t number = requests.begin(request, clock.wall(), deadline, std::move(done));
  Status status = shared_->publish(request);
  if (status.is_ok() && requests.waits(number)) {
    const Result<bus::Lane*> lane = shared_->runner.shared();
    if (lane) (*lane)->schedule(requests);
    status = lane.status();
  }
  if (!status.is_ok() && requests.cancel(number)) return status;
  return {};
}

Result<Event> Bus::request(Event request, Duration timeout) {
  struct Answer {
    std::mutex mutex;
    std::condition_variable came;
    std::optional<Result<Event>> result;
  };
  const auto answer = std::make_shared<Answer>();
  const auto done = [answer](const Result<Event>& result) {
    const std::lock_guard lock(answer->mutex);
    answer->result = result;
    answer->came.notify_one();
  };
  const std::string topic = request.topic;
  if (Status status = this->request(std::move(request), timeout, done); !status.is_ok())
    return status;
  std::unique_lock lock(answer->mutex);
  // Also when nobody moves the bus's own clock, or steps it.
  constexpr Duration kLongest = std::chrono::hours(24 * 366);
  answer->came.wait_for(lock, std::min(timeout, kLongest),
                        [&answer] { return answer->result.has_value(); });
  if (answer->result) return std::move(*answer->result);
  return Status(Code::unavailable, "request to " + topic + ": no reply came in time");
}

Result<Subscription> Bus::serve(std::string_view filter, const SubscribeOptions& options,
                                std::function<Result<Event>(const Event&)> handler) {
  if (!handler) return invalid("handler: empty, a function is wanted");
  return subscribe(filter, options,
                   [this, handler = std::move(handler)](const Event& request) -> Status {
                     Result<Event> answer = handler(request);
                     if (!answer) return answer.status();
                     const std::string* const topic = find_attribute(request, kResponseTopic);
                     if (topic == nullptr) return {};
                     if (Status status = validate_topic(*topic); !status.is_ok()) return status;
                     Event reply = std::move(*answer).caused_by(request);
                     reply.topic = *topic;
                     return publish(reply);
                   });
}

}  // namespace edgepost
