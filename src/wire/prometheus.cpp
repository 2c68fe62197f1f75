#include "wire/prometheus.hpp"

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
  std::uint64_t count = 0;
  Duration bound = std::chrono::milliseconds(1);
  for (std::size_t i = 0; i < Histogram::kBuckets; ++i, bound *= 4) {
    count += histogram.counts[i];
    const bool is_last = i + 1 == Histogram::kBuckets;
    const std::string until = is_last ? "+Inf" : seconds(bound);
    line("_bucket", labels, {"le", until}, std::to_string(count));
  }
  line("_sum", labels, {}, seconds(histogram.sum));
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
