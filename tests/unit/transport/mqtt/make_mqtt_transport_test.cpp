#include <doctest.h>

#include <functional>

#include "edgepost/mqtt.hpp"

namespace edgepost {
namespace {

class NoTls final : public Tls {};

using Change = std::function<void(MqttOptions&)>;

MqttOptions good() {
  MqttOptions options;
  options.url = "mqtt://127.0.0.1:1";
  options.client_id = "gw-1";
  return options;
}

std::string complaint(const Change& change, Code code = Code::invalid_argument) {
  MqttOptions options = good();
  change(options);
  const Result<std::unique_ptr<Transport>> transport = make_mqtt_transport(options);
  REQUIRE_FALSE(transport.is_ok());
  CHECK(transport.status().code() == code);
  return transport.status().message();
}

}  // namespace

TEST_CASE("mqtt options: good ones make a transport that has done nothing yet") {
  const Result<std::unique_ptr<Transport>> transport = make_mqtt_transport(good());
  REQUIRE(transport.is_ok());
  CHECK(transport.value()->address() == "mqtt://127.0.0.1:1");
  CHECK(transport.value()->send({}).code() == Code::unavailable);
}

TEST_CASE("mqtt options: each that can never work is refused by its name") {
  CHECK(complaint([](auto& o) { o.url = "tcp://a"; }).starts_with("url: byte 0: "));
  CHECK(complaint([](auto& o) { o.url = "mqtts://a"; }) == "tls: mqtts:// needs it");
  CHECK(complaint([](auto& o) { o.tls = std::make_shared<NoTls>(); }) ==
        "url: it is unencrypted although tls is given; write mqtts://");
  CHECK(complaint([](auto& o) { o.client_id = ""; }) == "client_id: it is empty");
  CHECK(complaint([](auto& o) { o.client_id = std::string(129, 'a'); }).starts_with("client_id: "));
  CHECK(complaint([](auto& o) { o.client_id = "a\nb"; }).starts_with("client_id: byte 1 "));
  CHECK(complaint([](auto& o) { o.user_name = "\xFF"; }).starts_with("user_name: byte 0 "));
  CHECK(
      complaint([](auto& o) { o.topic_template = "{x}"; }).starts_with("topic_template: byte 0 "));
  CHECK(complaint([](auto& o) { o.prefix = "#"; }).starts_with("prefix: byte 0 "));
  CHECK(complaint([](auto& o) { o.device_id = "+"; }).starts_with("device_id: byte 0 "));
  CHECK(complaint([](auto& o) { o.in_flight_max = 0; }) == "in_flight_max: from 1 to 65,535");
  CHECK(complaint([](auto& o) { o.in_flight_max = 65'536; }) == "in_flight_max: from 1 to 65,535");
  CHECK(complaint([](auto& o) { o.keep_alive = std::chrono::seconds(4); }) ==
        "keep_alive: from 5 s to 18 h");
  CHECK(complaint([](auto& o) { o.keep_alive = std::chrono::hours(19); }) ==
        "keep_alive: from 5 s to 18 h");
  CHECK(complaint([](auto& o) {
          o.mode = MqttMode::binary;
          o.version = MqttVersion::v311;
        }) == "mode: binary needs MQTT 5.0, and version is v311");
}

TEST_CASE("mqtt options: what is received, said and confirmed is checked, too") {
  CHECK(complaint([](auto& o) { o.inbound_packet_max = 1023; }) ==
        "inbound_packet_max: from 1 KiB to 64 MiB");
  CHECK(complaint([](auto& o) { o.inbound_packet_max = (64U << 20U) + 1; }) ==
        "inbound_packet_max: from 1 KiB to 64 MiB");
  CHECK(complaint([](auto& o) {
          o.subscriptions = {"a/+", "b/#/c"};
        }).starts_with("subscriptions[1]: "));
  CHECK(complaint([](auto& o) {
          o.presence_topic = "a/+";
        }).starts_with("presence_topic: byte 2 is '+'"));
  CHECK(complaint([](auto& o) { o.presence_topic = "{prefix}/{topic}"; }) ==
        "presence_topic: only {prefix} and {device_id} are known here");
  CHECK(complaint([](auto& o) {
          o.confirm_topic = "a b";
        }).starts_with("confirm_topic: byte 1 is ' '"));
  const std::string too_long(65'536, 'a');
  CHECK(complaint([&](auto& o) { o.presence_online = too_long; }) ==
        "presence_online: longer than 65,535 bytes");
  CHECK(complaint([&](auto& o) { o.presence_offline = too_long; }) ==
        "presence_offline: longer than 65,535 bytes");
}

TEST_CASE("mqtt reply: goes where the request wants it, in the same conversation") {
  Event request{.topic = "valve/7/open", .correlation_id = "c-1"};
  request.attributes = {{"responsetopic", "cloud/answers"}, {"correlationdata", "AP8="}};
  const Result<Event> reply = make_reply(request);
  REQUIRE(reply.is_ok());
  CHECK(reply->topic == "cloud/answers");
  CHECK(reply->correlation_id == "c-1");
  const std::vector<Attribute> expected{{"destination", "cloud/answers"},
                                        {"correlationdata", "AP8="}};
  CHECK(reply->attributes == expected);
}

TEST_CASE("mqtt reply: there is none to what asks for none, or for one to no topic") {
  CHECK(make_reply({}).status().code() == Code::invalid_argument);
  Event request{.topic = "valve/7/open"};
  request.attributes = {{"responsetopic", "cloud/#"}};
  CHECK(make_reply(request).status().code() == Code::invalid_argument);
}

TEST_CASE("mqtt options: a password is never repeated [P-61]") {
  const std::string nul("secret\0", 7);
  CHECK(complaint([](auto& o) { o.password.value = "secret"; }) ==
        "password: it needs a user_name");
  CHECK(complaint([&nul](auto& o) {
          o.user_name = "joe";
          o.password.value = nul;
        }) == "password: longer than 65,535 bytes, or NUL in it");
  CHECK(complaint([](auto& o) {
          o.user_name = "joe";
          o.password = {.value = "secret", .file = "/secret"};
        }) == "password: one of value, file and source, not several");
}

}  // namespace edgepost
