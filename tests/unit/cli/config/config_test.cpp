#include "cli/config/config.hpp"

#include <doctest.h>

#include <algorithm>

namespace edgepost::cli {
namespace {

using namespace std::chrono_literals;

using Lines = std::vector<std::string>;

const char* password_only(const char* name) {
  return std::string_view(name) == "PASSWORD" ? "canary-in-the-environment" : nullptr;
}

Config read(std::string_view json) {
  Problems problems;
  Config config = read_config(json, password_only, {}, problems);
  CHECK(problems.lines() == Lines{});
  return config;
}

Lines problems_of(std::string_view json) {
  Problems problems;
  (void)read_config(json, password_only, {}, problems);
  return problems.lines();
}

/// What is wrong with an uplink that has `field` beside what it needs.
std::string problem_of_uplink(const std::string& field) {
  const Lines lines = problems_of(
      "{\"database\": \"d\", \"uplinks\": [{\"name\": \"cloud\", \"endpoints\": "
      "[{\"url\": \"mqtt://h\"}], " +
      field + "}]}");
  return lines.empty() ? "nothing" : lines.front();
}

/// The same with an endpoint.
std::string problem_of_endpoint(const std::string& fields) {
  const Lines lines =
      problems_of("{\"database\": \"d\", \"uplinks\": [{\"name\": \"cloud\", \"endpoints\": [{" +
                  fields + "}]}]}");
  return lines.empty() ? "nothing" : lines.front();
}

TEST_CASE("config: values of every kind become options") {
  const Config config = read(R"({
    "database": "gw.db", "device_id": "pump-7", "data_bytes_max": "1MiB", "log_level": "debug",
    "streams": [{"name": "out", "filters": ["a/#", "b"], "discard": "old_events",
                 "max_bytes": 4096, "max_age": "2d", "priority": 3}],
    "routes": [{"filter": "c", "stream": "out"},
               {"filter": "d", "stream": "out", "every": 10, "interval": "5s",
                "durability": "buffered"}],
    "uplinks": [{"name": "cloud", "streams": ["out"], "inbox": "in", "order": "stream",
                 "retry": {"max_delay": "1m", "multiplier": 1.5}, "probe_interval": "0s",
                 "blocked_retry": "2h",
                 "pacing": {"events_per_second": 10, "bytes_per_day": "2GiB"},
                 "failover": {"residency": {"out": "eu"}},
                 "endpoints": [{"url": "mqtt://h", "tags": ["eu"], "version": "3.1.1",
                                "password": "${PASSWORD}", "subscriptions": ["x/+"]},
                               {"url": "http://h/p", "allow_plaintext": true, "mode": "binary",
                                "headers": {"X-A": "1"}, "request": {"method": "PUT"},
                                "auth": {"bearer": {"token": "${PASSWORD}"}}}]}],
    "metrics_file": "m", "stop_patience": "1s"})");
  CHECK(config.gateway.database == "gw.db");
  CHECK(config.gateway.device_id == "pump-7");
  CHECK(config.gateway.limits.data_bytes_max == 1024 * 1024);
  CHECK(config.log_level == LogLevel::debug);
  CHECK(config.metrics_interval == 60s);
  CHECK(config.stop_patience == 1s);
  const StreamOptions& stream = config.streams.front().options;
  CHECK(stream.filters == Lines{"a/#", "b"});
  CHECK(stream.discard == Discard::old_events);
  CHECK(stream.max_bytes == 4096);
  CHECK(stream.max_age == 48h);
  CHECK(stream.priority == 3);
  REQUIRE(config.routes.size() == 2);
  CHECK(config.routes[0].stream == "out");
  CHECK(config.routes[0].options.durability == std::nullopt);
  CHECK(config.routes[1].options.every == 10);
  CHECK(config.routes[1].options.interval == 5s);
  CHECK(config.routes[1].options.durability == Durability::buffered);
  const UplinkOptions& uplink = config.uplinks.front().options;
  CHECK(uplink.inbox == "in");
  CHECK(uplink.order == Order::stream);
  CHECK(uplink.retry.max_delay == 1min);
  CHECK(uplink.retry.multiplier == doctest::Approx(1.5));
  CHECK(uplink.probe_interval == 0s);
  CHECK(uplink.blocked_retry == 2h);
  CHECK(uplink.pacing.events_per_second == 10);
  CHECK(uplink.pacing.bytes_per_day == std::uint64_t{2} << 30U);
  CHECK(uplink.failover.residency.at("out") == "eu");
  const auto& endpoints = config.uplinks.front().endpoints;
  REQUIRE(endpoints.size() == 2);
  CHECK(endpoints[0].tags == Lines{"eu"});
  const auto& mqtt = std::get<MqttOptions>(endpoints[0].options);
  CHECK(mqtt.version == MqttVersion::v311);
  CHECK(mqtt.password.value == "canary-in-the-environment");
  CHECK(mqtt.subscriptions == Lines{"x/+"});
  const auto& https = std::get<HttpsOptions>(endpoints[1].options);
  CHECK(https.mode == HttpsMode::binary);
  CHECK(https.headers.front().name == "X-A");
  CHECK(https.request->method == "PUT");
  CHECK(std::get<BearerAuth>(https.auth).token.value == "canary-in-the-environment");
}

TEST_CASE("config: all that is wrong is told, with line and path, in the order of the file") {
  CHECK(problems_of("{\n\"databas\": \"d\",\n\"streams\": [\n{\"name\": 5},\n"
                    "{\"name\": \"\", \"filters\": \"a\"}]\n}") ==
        Lines{"1: $: \"database\" is missing", "2: $.databas: unknown name; is \"database\" meant?",
              "4: $.streams[0].name: a text is wanted", "5: $.streams[1].name: the text is empty",
              "5: $.streams[1].filters: an array of texts is wanted"});
}

TEST_CASE("config: a route's durability is one of two words, and its every a number from 1 on") {
  CHECK(problems_of(R"({"database": "d", "routes": [
    {"filter": "a", "stream": "s", "durability": "often", "every": 0}]})")
            .size() == 2);
  CHECK(explain_config().find("\"durability\": stored|buffered\n") != std::string::npos);
}

TEST_CASE("config: text that is no JSON, or no object, is refused") {
  CHECK(problems_of("{\n\"database\": \"d\",}").front().starts_with("2: $: "));
  CHECK(problems_of("[]") == Lines{"1: $: an object is wanted"});
  CHECK(problems_of("{}") == Lines{"1: $: \"database\" is missing"});
}

TEST_CASE("config: what a later version will have is refused as such") {
  CHECK(problems_of("{\"database\": \"d\", \"rules\": [], \"documents\": {}}") ==
        Lines{"1: $.rules: this version of edgepost cannot do that yet",
              "1: $.documents: this version of edgepost cannot do that yet"});
}

TEST_CASE("config: a value of the wrong kind or range names what is wanted") {
  const std::string uplink = "1: $.uplinks[0].";
  CHECK(problem_of_uplink("\"max_in_flight\": 0") ==
        uplink + "max_in_flight: '0' is not a whole number from 1 to 65535");
  CHECK(problem_of_uplink("\"max_in_flight\": 1.5") ==
        uplink + "max_in_flight: '1.5' is not a whole number from 1 to 65535");
  CHECK(problem_of_uplink("\"max_deliver\": 4294967296") ==
        uplink + "max_deliver: '4294967296' is not a whole number from 0 to 4294967295");
  CHECK(problem_of_uplink("\"max_in_flight\": \"8\"") ==
        uplink + "max_in_flight: a number is wanted");
  CHECK(problem_of_uplink("\"batch_bytes\": \"64KB\"")
            .starts_with(uplink + "batch_bytes: '64KB' is not a size such as 4096, 64KiB"));
  CHECK(problem_of_uplink("\"linger\": 5") ==
        uplink + "linger: a duration such as \"30s\" is wanted");
  CHECK(problem_of_uplink("\"linger\": \"5\"").starts_with(uplink + "linger: '5' is not a "));
  CHECK(problem_of_uplink("\"order\": \"any\"") ==
        uplink + "order: one of \"stream\", \"key\", \"none\" is wanted");
  CHECK(problem_of_uplink("\"retry\": []") == uplink + "retry: an object is wanted");
  CHECK(problem_of_uplink("\"retry\": {\"multiplier\": 0.5}") ==
        uplink + "retry.multiplier: a number from 1 to 1000 is wanted");
  CHECK(problem_of_uplink("\"failover\": {\"is_split\": 1}") ==
        uplink + "failover.is_split: true or false is wanted");
  CHECK(problem_of_uplink("\"failover\": {\"residency\": []}") ==
        uplink + "failover.residency: an object of texts is wanted");
  CHECK(problem_of_uplink("\"inbox\": null") == uplink + "inbox: a text is wanted");
  CHECK(problem_of_uplink("\"inbox\": \"a\\u0000b\"") == uplink + "inbox: NUL in the text");
}

TEST_CASE("config: unknown and repeated names are errors, near ones are suggested") {
  const std::string uplink = "1: $.uplinks[0].";
  CHECK(problem_of_uplink("\"max_inflight\": 5") ==
        uplink + "max_inflight: unknown name; is \"max_in_flight\" meant?");
  CHECK(problem_of_uplink("\"colour\": 5") == uplink + "colour: unknown name");
  CHECK(problem_of_uplink("\"inbox\": \"a\", \"inbox\": \"b\"") ==
        uplink + "inbox: it stands there twice");
  CHECK(problem_of_uplink("\"streams\": [\"a\", \"a\"]") ==
        uplink + "streams[1]: it stands there twice");
  CHECK(
      problems_of("{\"database\": \"d\", \"streams\": [{\"name\": \"a\"},\n{\"name\": \"a\"}]}") ==
      Lines{"2: $.streams[1].name: \"a\" stands there twice"});
}

TEST_CASE("config: an endpoint is read by the scheme of its URL") {
  const std::string endpoint = "1: $.uplinks[0].endpoints[0]";
  CHECK(problem_of_endpoint("\"tags\": []") == endpoint + ": \"url\" is missing");
  CHECK(problem_of_endpoint("\"url\": \"ftp://user:canary@h\"") ==
        endpoint + ".url: mqtt://, mqtts://, mqtt+unix:, https:// or http:// is wanted");
  CHECK(problem_of_endpoint("\"url\": \"mqtt://h\", \"gzip\": true") ==
        endpoint + ".gzip: unknown name");
  CHECK(problem_of_endpoint("\"url\": \"https://h\", \"prefix\": \"a\"").starts_with(endpoint));
  CHECK(problem_of_endpoint("\"url\": \"http://h\", \"auth\": {\"basic\": {\"user\": \"u\"}}") ==
        endpoint + ".auth.basic: \"password\" is missing");
  CHECK(problem_of_endpoint("\"url\": \"http://h\", \"auth\": {\"bearer\": {\"token\": "
                            "\"${PASSWORD}\"}, \"basic\": {}}") ==
        endpoint + ".auth.basic: there is another kind already");
}

TEST_CASE("config: a secret stands there by reference only, and in no message [P-61]") {
  const std::string place = "1: $.uplinks[0].endpoints[0].password: ";
  for (const char* literal : {"\"canary\"", "\"file:\"", "\"${}\"", "\"$PASSWORD\"", "5", "[]"}) {
    const std::string told =
        problem_of_endpoint("\"url\": \"mqtt://h\", \"password\": " + std::string(literal));
    CAPTURE(told);
    CHECK(told.starts_with(place + "a secret does not stand here itself"));
    CHECK(told.find("canary") == std::string::npos);
  }
  CHECK(problem_of_endpoint("\"url\": \"mqtt://h\", \"password\": \"${NOT_THERE}\"") ==
        place + "the environment variable NOT_THERE is not set");
  CHECK(problem_of_endpoint("\"url\": \"mqtt://h\", \"password\": \"file:/not/there\"") ==
        place + "cannot read a line of /not/there");
  CHECK(problem_of_endpoint("\"url\": \"mqtt://h\", \"password\": \"${PASSWORD}\"") == "nothing");
}

TEST_CASE("config: what TLS refuses is told under its own name") {
  CHECK(problem_of_endpoint("\"url\": \"mqtts://h\", \"tls\": {\"ca_file\": \"/not/there\"}")
            .starts_with("1: $.uplinks[0].endpoints[0].tls.ca_file: "));
  CHECK(problem_of_endpoint("\"url\": \"mqtts://h\", \"tls\": {\"oldest\": \"1.1\"}") ==
        "1: $.uplinks[0].endpoints[0].tls.oldest: one of \"1.3\", \"1.2\" is wanted");
}

TEST_CASE("config: every name that can be read is explained") {
  const std::string text = explain_config();
  for (const char* line : {"\"database\": TEXT; needed\n", "  \"max_bytes\": SIZE; default 0\n",
                           "\"metrics_interval\": DURATION; default 1m\n",
                           "  \"order\": stream|key|none; default key\n",
                           "      \"password\": SECRET\n", "\"ca_file\": TEXT\n"}) {
    CAPTURE(line);
    CHECK(text.find(line) != std::string::npos);
  }
}

}  // namespace
}  // namespace edgepost::cli
