#pragma once

#include <doctest.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <string>
#include <string_view>

namespace edgepost::test {

/// Reads Prometheus' text exposition format 0.0.4 and forgives nothing: each family once, with help
/// and type before its samples; each sample once; counters named _total; histograms whole.
class MetricsReader {
 public:
  explicit MetricsReader(const std::string& text) {
    REQUIRE(text.ends_with('\n'));
    for (std::string_view rest = text; !rest.empty();) {
      const std::size_t end = rest.find('\n');
      read_line(rest.substr(0, end));
      rest.remove_prefix(end + 1);
    }
    end_family();
  }

  /// The value of a sample, written as `name{label="value",…}`; empty when there is none.
  [[nodiscard]] std::string operator[](const std::string& sample) const {
    const auto found = samples_.find(sample);
    return found == samples_.end() ? "" : found->second;
  }
  [[nodiscard]] std::size_t size() const { return samples_.size(); }
  [[nodiscard]] const std::set<std::string>& families() const { return families_; }

 private:
  static bool is_name(std::string_view name) {
    return !name.empty() && std::isdigit(static_cast<unsigned char>(name.front())) == 0 &&
           std::all_of(name.begin(), name.end(),
                       [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; });
  }

  static bool is_number(std::string_view value) {
    return !value.empty() && value.find_first_not_of("0123456789.") == std::string_view::npos &&
           std::count(value.begin(), value.end(), '.') <= 1 && value.front() != '.' &&
           value.back() != '.';
  }

  void read_line(std::string_view line) {
    INFO(line);
    if (line.starts_with("# HELP ")) return begin_family(line.substr(7));
    if (line.starts_with("# TYPE ")) return read_type(line.substr(7));
    REQUIRE_FALSE(line.starts_with('#'));
    read_sample(line);
  }

  void begin_family(std::string_view line) {
    end_family();
    family_ = line.substr(0, line.find(' '));
    CHECK(is_name(family_));
    CHECK(line.size() > family_.size() + 1);
    CHECK(line.find('\\') == std::string_view::npos);
    CHECK(families_.insert(family_).second);
  }

  void read_type(std::string_view line) {
    REQUIRE(line.starts_with(family_ + " "));
    CHECK(type_.empty());
    type_ = line.substr(family_.size() + 1);
    CHECK((type_ == "counter" || type_ == "gauge" || type_ == "histogram"));
    CHECK((type_ == "counter") == family_.ends_with("_total"));
  }

  void end_family() {
    CHECK(counts_ == ends_);
    counts_.clear();
    ends_.clear();
    last_.clear();
    type_.clear();
  }

  void read_sample(std::string_view line) {
    REQUIRE_FALSE(type_.empty());
    std::size_t at = line.find_first_of("{ ");
    REQUIRE(at != std::string_view::npos);
    const std::string_view name = line.substr(0, at);
    std::string labels;
    std::string until;
    while (line[at] == '{' || line[at] == ',') {
      ++at;
      const std::size_t equals = line.find("=\"", at);
      REQUIRE(equals != std::string_view::npos);
      const std::string_view label = line.substr(at, equals - at);
      CHECK(is_name(label));
      at = equals + 2;
      const std::string value = read_value(line, at);
      if (label == "le") {
        until = value;
      } else {
        CHECK(labels.find("," + std::string(label) + "=") == std::string::npos);
        labels += "," + std::string(label) + "=" + value;
      }
    }
    if (line[at] == '}') ++at;
    REQUIRE(line[at] == ' ');
    const std::string_view value = line.substr(at + 1);
    CHECK(is_number(value));
    CHECK(samples_.emplace(line.substr(0, at), value).second);
    read_member(name, labels, until, std::string(value));
  }

  // Leaves `at` behind the closing quote.
  static std::string read_value(std::string_view line, std::size_t& at) {
    std::string value;
    for (; at < line.size() && line[at] != '"'; ++at) {
      if (line[at] == '\\') {
        ++at;
        REQUIRE(at < line.size());
        CHECK(std::string_view("\\\"n").find(line[at]) != std::string_view::npos);
      }
      value += line[at];
    }
    REQUIRE(at < line.size());
    ++at;
    REQUIRE(at < line.size());
    CHECK(std::string_view(",}").find(line[at]) != std::string_view::npos);
    return value;
  }

  void read_member(std::string_view name, const std::string& labels, const std::string& until,
                   const std::string& value) {
    if (type_ != "histogram") {
      CHECK(name == family_);
      CHECK(until.empty());
    } else if (name == family_ + "_bucket") {
      CHECK_FALSE(until.empty());
      const double count = std::stod(value);
      CHECK(count >= last_[labels]);
      last_[labels] = count;
      if (until == "+Inf") ends_[labels] = value;
    } else if (name == family_ + "_count") {
      counts_[labels] = value;
    } else {
      CHECK(name == family_ + "_sum");
    }
  }

  std::string family_;
  std::string type_;
  std::map<std::string, double> last_;         // Bucket, by labels.
  std::map<std::string, std::string> ends_;    // The bucket without bound, by labels.
  std::map<std::string, std::string> counts_;  // By labels.
  std::set<std::string> families_;
  std::map<std::string, std::string> samples_;
};

}  // namespace edgepost::test
