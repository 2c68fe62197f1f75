#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "edgepost/bus.hpp"

namespace edgepost {

/// What a window has seen of one topic.
struct WindowSummary {
  std::string_view topic{};  ///< The topic that was summed up.
  std::uint64_t count = 0;   ///< Values, one or more.
  double minimum = 0;        ///< The smallest.
  double maximum = 0;        ///< The largest.
  double average = 0;        ///< Arithmetic mean.
  double last = 0;           ///< The newest.
  Instant begin{};           ///< Of the window.
};

/// Which windows to make.
struct WindowOptions {
  std::string filter{};                       ///< The topics that are summed up, each for itself.
  Duration length = std::chrono::minutes(1);  ///< 1 ms to 366 days. Windows follow each other.
  /// Where a summary goes; `{topic}` stands for the topic that was summed up. What this publishes
  /// is left out when `filter` matches it.
  std::string output = "window/{topic}";
  std::size_t topics_max = 1'000;  ///< Different topics in one window; events of more are ignored.
  /// The number in an event; none: the event is ignored. Empty: the data as decimal text.
  std::function<std::optional<double>(const Event&)> value{};
  /// The data of the event that is published. Empty: JSON with count, min, max, avg and last.
  std::function<std::string(const WindowSummary&)> encode{};
};

/// Sums up numbers over tumbling windows: while it lives, it publishes for each topic, at the end
/// of each window in which the topic had values, one event. Windows begin at multiples of `length`
/// of the bus's monotonic clock.
/// Threads: it publishes on the bus's worker, or in Bus::step.
class Window {
 public:
  /// Begins. Must outlive: `bus` this object.
  /// Errors: invalid_argument (option named, with position); io_error (no thread to be had).
  static Result<Window> open(Bus& bus, const WindowOptions& options);

  /// Ends without publishing what the last window has seen.
  ~Window();
  Window(Window&&) noexcept;
  Window& operator=(Window&&) noexcept;

  /// Values that were left out, since there were more than `topics_max` topics, or summaries of
  /// three windows waited for the bus's worker.
  [[nodiscard]] std::uint64_t ignored() const;

 private:
  struct Parts;
  explicit Window(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace edgepost
