#include "edgepost/window.hpp"

#include <atomic>
#include <chrono>
#include <cmath>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "base/decimal.hpp"
#include "base/topic.hpp"
#include "bus/shared.hpp"
#include "bus/sums.hpp"

namespace edgepost {
namespace bus {
namespace {

constexpr std::string_view kPlace = "{topic}";

// The output for `topic`: each place in `pattern` replaced.
std::string fill_in(std::string_view pattern, std::string_view topic) {
  std::string out;
  for (std::size_t at = pattern.find(kPlace); at != std::string_view::npos;
       at = pattern.find(kPlace)) {
    out.append(pattern.substr(0, at)).append(topic);
    pattern.remove_prefix(at + kPlace.size());
  }
  return out.append(pattern);
}

Status check(const WindowOptions& options) {
  constexpr Duration kLongest = std::chrono::hours(24 * 366);
  if (Status status = validate_filter(options.filter); !status.is_ok()) return status;
  if (options.length < std::chrono::milliseconds(1) || options.length > kLongest)
    return {Code::invalid_argument, "length: must be 1 ms to 366 days"};
  if (options.topics_max == 0) return {Code::invalid_argument, "topics_max: must be 1 or more"};
  Status output = validate_topic(fill_in(options.output, "t"));
  if (output.is_ok()) return {};
  return {Code::invalid_argument, "output: " + output.message()};
}

}  // namespace

/// One window of a bus: numbers come in on any thread, summaries go out on the shared lane.
class Summing final : public Task {
 public:
  Summing(Shared& shared, Lane& lane, const WindowOptions& options)
      : shared_(shared),
        lane_(lane),
        options_(options),
        sums_(options.length, options.topics_max) {}

  void add(const Event& event) {
    if (&event == publishing_.load(std::memory_order_relaxed)) return;
    const auto value = options_.value ? options_.value(event) : read_decimal(event.data);
    if (!value || !std::isfinite(*value)) return;
    const Instant now = shared_.clock().now();
    bool is_first = false;
    {
      const std::lock_guard lock(mutex_);
      is_first = sums_.end() == Instant::max();
      if (!sums_.add(event.topic, *value, now)) ++ignored_;
    }
    if (is_first) lane_.schedule(*this);
  }

  Instant run(Instant now) override {
    const std::lock_guard turn(turn_);
    for (;;) {
      std::optional<Sums::Span> span;
      {
        const std::lock_guard lock(mutex_);
        if (is_ended_) return Instant::max();
        span = sums_.take(now);
        if (!span) return sums_.end();
      }
      for (const auto& [topic, sum] : span->topics)
        publish(sum.summary(topic, span->begin));
    }
  }

  // Nothing is published any more when it returns.
  void end() {
    {
      const std::lock_guard lock(mutex_);
      is_ended_ = true;
    }
    if (!lane_.is_current()) {
      const std::lock_guard turn(turn_);  // waits for what is being published
    }
    lane_.schedule(*this);  // and is let go there
  }

  std::uint64_t ignored() const {
    const std::lock_guard lock(mutex_);
    return ignored_;
  }

 private:
  void publish(const WindowSummary& summary) {
    {
      const std::lock_guard lock(mutex_);
      if (is_ended_) return;
    }
    Event event;
    event.topic = fill_in(options_.output, summary.topic);
    event.type = "edgepost.window";
    if (!options_.encode) event.content_type = "application/json";
    event.data = options_.encode ? options_.encode(summary) : to_json(summary);
    Status status = validate_topic(event.topic);  // it may have become too long
    publishing_.store(&event, std::memory_order_relaxed);
    if (status.is_ok()) status = shared_.publish(event);
    publishing_.store(nullptr, std::memory_order_relaxed);
    if (status.is_ok()) return;
    shared_.options.platform.logger->write(LogLevel::warning, "bus", "window: " + status.message());
  }

  Shared& shared_;
  Lane& lane_;
  const WindowOptions options_;
  std::mutex turn_;  // held while run() runs; before mutex_
  std::atomic<const Event*> publishing_ = nullptr;
  mutable std::mutex mutex_;  // guards what follows
  Sums sums_;
  std::uint64_t ignored_ = 0;
  bool is_ended_ = false;
};

}  // namespace bus

struct Window::Parts {
  std::shared_ptr<bus::Summing> summing;
  Subscription subscription;

  ~Parts() {
    subscription.unsubscribe();
    summing->end();
  }
};

Window::Window(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Window::Window(Window&&) noexcept = default;
Window& Window::operator=(Window&&) noexcept = default;
Window::~Window() = default;

Result<Window> Window::open(Bus& bus, const WindowOptions& options) {
  if (Status status = bus::check(options); !status.is_ok()) return status;
  const Result<bus::Lane*> lane = bus.shared_->runner.shared();
  if (!lane) return lane.status();
  auto parts = std::make_unique<Parts>();
  parts->summing = std::make_shared<bus::Summing>(*bus.shared_, **lane, options);
  Result<Subscription> subscription =
      bus.subscribe(options.filter, [summing = parts->summing](const Event& event) {
        summing->add(event);
        return Status();
      });
  if (!subscription) return subscription.status();
  parts->subscription = std::move(*subscription);
  return Window(std::move(parts));
}

std::uint64_t Window::ignored() const { return parts_->summing->ignored(); }

}  // namespace edgepost
