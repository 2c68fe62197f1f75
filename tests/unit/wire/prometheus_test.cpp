#include "wire/prometheus.hpp"

#include <doctest.h>

#include <array>

using namespace edgepost;
using wire::PrometheusText;
using Label = PrometheusText::Label;

TEST_CASE("prometheus: a family has its help, its type and its samples") {
  PrometheusText text;
  text.family("a_total", "counter", "What is counted.");
  text.sample({}, 7);
  text.sample(std::array{Label{"x", "1"}, Label{"y", ""}}, 18'446'744'073'709'551'615U);
  CHECK(text.take() ==
        "# HELP a_total What is counted.\n"
        "# TYPE a_total counter\n"
        "a_total 7\n"
        "a_total{x=\"1\",y=\"\"} 18446744073709551615\n");
}

TEST_CASE("prometheus: nothing in a label ends it or its line") {
  PrometheusText text;
  text.family("a", "gauge", "A.");
  text.sample(std::array{Label{"x", "say \"hi\"\\\n} 9"}}, 1);
  CHECK(text.take().ends_with("a{x=\"say \\\"hi\\\"\\\\\\n} 9\"} 1\n"));
}

TEST_CASE("prometheus: the buckets of a histogram count what is below their bound") {
  Histogram histogram;
  histogram.counts[0] = 2;
  histogram.counts[2] = 3;
  histogram.counts[Histogram::kBuckets - 1] = 1;
  histogram.sum = std::chrono::microseconds(12'000'045);
  PrometheusText text;
  text.family("t_seconds", "histogram", "Times.");
  text.histogram(std::array{Label{"u", "c"}}, histogram);
  const std::string lines = text.take();
  for (const char* line : {"t_seconds_bucket{u=\"c\",le=\"0.001000\"} 2\n",
                           "{u=\"c\",le=\"0.004000\"} 2\n", "{u=\"c\",le=\"0.016000\"} 5\n",
                           "{u=\"c\",le=\"1048.576000\"} 5\n", "{u=\"c\",le=\"+Inf\"} 6\n",
                           "t_seconds_sum{u=\"c\"} 12.000045\n", "t_seconds_count{u=\"c\"} 6\n"}) {
    INFO(line);
    CHECK(lines.find(line) != std::string::npos);
  }
}

TEST_CASE("prometheus: the buckets of call times are 1, 2 and 5 of each power of ten") {
  CallTimes times{};
  times[0] = 1;
  times[4] = 2;
  times[17] = 3;
  times[19] = 4;
  PrometheusText text;
  text.family("c_seconds", "histogram", "Calls.");
  text.histogram(std::array{Label{"h", "p"}}, times, std::chrono::microseconds(9));
  const std::string lines = text.take();
  for (const char* line : {"{h=\"p\",le=\"0.000001\"} 1\n", "{h=\"p\",le=\"0.000010\"} 1\n",
                           "{h=\"p\",le=\"0.000020\"} 3\n", "{h=\"p\",le=\"0.200000\"} 3\n",
                           "{h=\"p\",le=\"0.500000\"} 6\n", "{h=\"p\",le=\"1.000000\"} 6\n",
                           "{h=\"p\",le=\"+Inf\"} 10\n", "c_seconds_sum{h=\"p\"} 0.000009\n"}) {
    INFO(line);
    CHECK(lines.find(line) != std::string::npos);
  }
}
