#include "wire/prometheus.hpp"

#include <array>
#include <chrono>

namespace edgepost::wire {
namespace {

// A decimal point whatever the locale is.
std::string seconds(Duration time) {
  std::string micros = std::to_string(time.count() % 1'000'000);
  micros.insert(0, 6 - micros.size(), '0');
  return std::to_string(time.count() / 1'000'000) + "." + micros;
}

}  // namespace

void PrometheusText::family(std::string_view name, std::string_view type, std::string_view help) {
  name_ = name;
  text_ += "# HELP " + name_ + " " + std::string(help) + "\n";
  text_ += "# TYPE " + name_ + " " + std::string(type) + "\n";
}

void PrometheusText::sample(Labels labels, std::uint64_t value) {
  line("", labels, {}, std::to_string(value));
}

void PrometheusText::histogram(Labels labels, const Histogram& histogram) {
  const auto bound = [](std::size_t bucket) {
    return Duration(std::chrono::milliseconds(1)) * (1U << 2 * bucket);
  };
  this->histogram(labels, histogram.counts, bound, histogram.sum);
}

void PrometheusText::histogram(Labels labels, const CallTimes& times, Duration sum) {
  const auto bound = [](std::size_t bucket) {
    constexpr std::array kSteps = {1, 2, 5};
    Duration until(kSteps[bucket % kSteps.size()]);
    for (std::size_t tens = bucket / kSteps.size(); tens > 0; --tens)
      until *= 10;
    return until;
  };
  histogram(labels, times, bound, sum);
}

void PrometheusText::histogram(Labels labels, std::span<const std::uint64_t> counts,
                               Duration (*bound)(std::size_t bucket), Duration sum) {
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    count += counts[i];
    const std::string until = i + 1 == counts.size() ? "+Inf" : seconds(bound(i));
    line("_bucket", labels, {"le", until}, std::to_string(count));
  }
  line("_sum", labels, {}, seconds(sum));
  line("_count", labels, {}, std::to_string(count));
}

void PrometheusText::line(std::string_view suffix, Labels labels, Label more,
                          std::string_view value) {
  text_.append(name_).append(suffix);
  char before = '{';
  for (const Label& one : labels)
    label(std::exchange(before, ','), one);
  if (!more.first.empty()) label(std::exchange(before, ','), more);
  text_.append(before == ',' ? "} " : " ").append(value).append("\n");
}

void PrometheusText::label(char before, const Label& label) {
  text_ += before;
  text_.append(label.first).append("=\"");
  for (const char c : label.second) {
    if (c == '"' || c == '\\') text_ += '\\';
    if (c == '\n') text_ += "\\n";
    if (c != '\n') text_ += c;
  }
  text_ += '"';
}

}  // namespace edgepost::wire
