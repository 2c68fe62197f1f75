#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "edgepost/bus_status.hpp"
#include "edgepost/time.hpp"
#include "edgepost/uplink.hpp"

namespace edgepost::wire {

/// Writes metrics in Prometheus' text exposition format 0.0.4: families of samples, each family
/// once, its samples behind it.
class PrometheusText {
 public:
  using Label = std::pair<std::string_view, std::string_view>;
  using Labels = std::span<const Label>;

  /// Begins a family. `type`: counter, gauge or histogram. Requires: `help` is one line without a
  /// backslash.
  void family(std::string_view name, std::string_view type, std::string_view help);

  /// Adds a sample to the family. Any value of a label will do.
  void sample(Labels labels, std::uint64_t value);

  /// Adds a histogram, in seconds.
  void histogram(Labels labels, const Histogram& histogram);
  /// The same of calls that took `sum` together.
  void histogram(Labels labels, const CallTimes& times, Duration sum);

  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  void histogram(Labels labels, std::span<const std::uint64_t> counts,
                 Duration (*bound)(std::size_t bucket), Duration sum);
  void line(std::string_view suffix, Labels labels, Label more, std::string_view value);
  void label(char before, const Label& label);

  std::string name_;
  std::string text_;
};

}  // namespace edgepost::wire
