#include "base/topic.hpp"

#include <doctest.h>

#include <string>
#include <string_view>

using edgepost::Code;
using edgepost::Status;
using edgepost::topic_matches;
using edgepost::validate_filter;
using edgepost::validate_name;
using edgepost::validate_topic;

namespace {

std::string complaint(const Status& status) {
  CHECK(status.code() == (status.is_ok() ? Code::ok : Code::invalid_argument));
  return status.message();
}

struct Pair {
  std::string_view filter;
  std::string_view topic;
};

}  // namespace

TEST_CASE("topic: any text of 1 to 512 bytes without wildcards can be published to") {
  CHECK(validate_topic("a").is_ok());
  CHECK(validate_topic("/").is_ok());
  CHECK(validate_topic("site//Öl $/").is_ok());
  CHECK(validate_topic(std::string(512, 'a')).is_ok());
}

TEST_CASE("topic: empty, over-long and unprintable topics are refused") {
  CHECK(complaint(validate_topic("")) == "topic: empty, 1 to 512 bytes are wanted");
  CHECK(complaint(validate_topic(std::string(513, 'a'))) ==
        "topic: 513 bytes, at most 512 are allowed");
  CHECK(complaint(validate_topic({"a/\0", 3})) ==
        "topic: byte 2 is 0x00, a control character is not allowed");
}

TEST_CASE("topic: a wildcard cannot stand in a published topic") {
  const std::string rule = "a wildcard cannot stand in a published topic";
  CHECK(complaint(validate_topic("sensors+")) == "topic: byte 7 is '+', " + rule);
  CHECK(complaint(validate_topic("#")) == "topic: byte 0 is '#', " + rule);
}

TEST_CASE("filter: wildcards are accepted as whole levels, # only as the last one") {
  for (const std::string_view filter : {"a", "+", "#", "+/+/#", "/+", "a//#", "+/", "$SYS/#"}) {
    CAPTURE(filter);
    CHECK(validate_filter(filter).is_ok());
  }
  const std::string whole = "a wildcard must be a whole level";
  CHECK(complaint(validate_filter("a/b+/c")) == "filter: byte 3 is '+', " + whole);
  CHECK(complaint(validate_filter("+b")) == "filter: byte 0 is '+', " + whole);
  CHECK(complaint(validate_filter("a/##")) == "filter: byte 2 is '#', " + whole);
  CHECK(complaint(validate_filter("+/a#")) == "filter: byte 3 is '#', " + whole);
  CHECK(complaint(validate_filter("+/#/c")) ==
        "filter: byte 2 is '#', it can only be the last level");
}

TEST_CASE("filter: what no topic can be is refused as in a topic") {
  CHECK(complaint(validate_filter("")) == "filter: empty, 1 to 512 bytes are wanted");
  CHECK(complaint(validate_filter(std::string(513, 'a'))) ==
        "filter: 513 bytes, at most 512 are allowed");
  CHECK(complaint(validate_filter("a\xFF")) == "filter: byte 1 is 0xff, which is not UTF-8");
}

TEST_CASE("matching: filters match by level, as in section 4.7 of MQTT 5.0") {
  constexpr Pair kMatches[] = {
      {"a/b", "a/b"},   {"a/+", "a/b"},      {"+/b", "a/b"},       {"a/+/c", "a//c"},
      {"a/#", "a"},     {"a/#", "a/"},       {"a/#", "a/b/c"},     {"#", "a/b"},
      {"#", "/"},       {"+/+", "/finance"}, {"/+", "/finance"},   {"+/#", "a"},
      {"+/#", "/"},     {"a/+/#", "a/b"},    {"a/+/#", "a/"},      {"+", "a"},
      {"a//b", "a//b"}, {"$SYS/#", "$SYS"},  {"$SYS/+", "$SYS/x"}, {"a/+", "a/$x"},
      {"+/+/+", "//"},
  };
  for (const auto& [filter, topic] : kMatches) {
    CAPTURE(filter);
    CAPTURE(topic);
    CHECK(topic_matches(filter, topic));
  }
}

TEST_CASE("matching: levels that differ, lack or follow do not match") {
  constexpr Pair kMisses[] = {
      {"a/b", "a/c"}, {"a/b", "a"},      {"a", "a/b"},  {"a", "a/"},      {"a/", "a"},
      {"+", "a/b"},   {"+", "/finance"}, {"a/+", "a"},  {"a/+", "a/b/c"}, {"a/+/#", "a"},
      {"ab", "a"},    {"a", "ab"},       {"a/#", "ab"}, {"A", "a"},       {"+/+/+", "/"},
  };
  for (const auto& [filter, topic] : kMisses) {
    CAPTURE(filter);
    CAPTURE(topic);
    CHECK_FALSE(topic_matches(filter, topic));
  }
}

TEST_CASE("matching: a leading wildcard does not see topics that begin with $") {
  for (const std::string_view filter : {"#", "+/#", "+/x", "+/+"}) {
    CAPTURE(filter);
    CHECK_FALSE(topic_matches(filter, "$SYS/x"));
  }
}

TEST_CASE("name: 1 to 64 plain characters make the name of a stream, consumer or uplink") {
  CHECK(validate_name("stream", "out-box_1.v2").is_ok());
  CHECK(validate_name("stream", std::string(64, 'z')).is_ok());
  CHECK(complaint(validate_name("stream", "")) == "stream: 0 bytes, 1 to 64 are wanted");
  CHECK(complaint(validate_name("uplink", std::string(65, 'z'))) ==
        "uplink: 65 bytes, 1 to 64 are wanted");
  CHECK(complaint(validate_name("stream", "outBox")) ==
        "stream: byte 3 is 'B', only a-z, 0-9, '-', '_' and '.' are allowed");
}
