#include "transport/mqtt/message.hpp"

#include <doctest.h>

#include "wire/cloudevents.hpp"

namespace edgepost::mqtt {
namespace {

constexpr Format kBinary{.is_v5 = true, .is_binary = true};
constexpr Format kStructured{.is_v5 = true, .is_binary = false};
constexpr Format kOld{.is_v5 = false, .is_binary = false};

Event reading() {
  Event event;
  event.topic = "plant/pump";
  event.data = "21.5";
  event.content_type = "text/plain";
  event.source = "/gw-1";
  event.expires_after = std::chrono::milliseconds(1'001);
  event.attributes = {{"unit", "C"}};
  return event;
}

}  // namespace

TEST_CASE("mqtt message: binary mode has the attributes as user properties without a prefix") {
  const Event event = reading();
  std::string buffer;
  const Message message = encode(event, "t", kBinary, buffer);
  CHECK(message.topic == "t");
  CHECK(message.payload.data() == event.data.data());
  CHECK(message.content_type == "text/plain");
  CHECK(message.user_properties == wire::attributes(event));
}

TEST_CASE("mqtt message: structured mode is one JSON object, named by its content type under v5") {
  const Event event = reading();
  std::string json;
  std::string buffer = "left over";
  wire::append_json(event, json);
  const Message message = encode(event, "t", kStructured, buffer);
  CHECK(message.payload == json);
  CHECK(message.content_type == "application/cloudevents+json; charset=utf-8");
  CHECK(message.user_properties.empty());
  const Message old = encode(event, "t", kOld, buffer);
  CHECK(old.payload == json);
  CHECK(old.content_type.empty());
}

TEST_CASE("mqtt message: a request says under v5 where its answer goes and what it belongs to") {
  Event request = reading();
  request.correlation_id = "c-1";
  std::string buffer;
  CHECK(encode(request, "t", kBinary, buffer).correlation_data.empty());
  request.attributes = {{"responsetopic", "gw-1/answers"}};
  const Message message = encode(request, "t", kBinary, buffer);
  CHECK(message.response_topic == "gw-1/answers");
  CHECK(message.correlation_data == "c-1");
  for (const auto& [name, value] : message.user_properties)
    CHECK(name != "responsetopic");
  const Message structured = encode(request, "t", kStructured, buffer);
  CHECK(structured.response_topic == "gw-1/answers");
  CHECK(structured.payload.find("responsetopic") == std::string_view::npos);
  const Message old = encode(request, "t", kOld, buffer);
  CHECK(old.response_topic.empty());
  CHECK(old.payload.find(R"("responsetopic":"gw-1/answers")") != std::string_view::npos);
}

TEST_CASE("mqtt message: a reply carries the request's correlation data, and not its own route") {
  Event reply = reading();
  reply.correlation_id = "c-1";
  reply.attributes = {{"destination", "cloud/answers"}, {"unit", "C"}};
  std::string buffer;
  const Message message = encode(reply, "t", kBinary, buffer);
  CHECK(message.correlation_data == "c-1");
  CHECK(message.user_properties.back() == std::pair<std::string_view, std::string>{"unit", "C"});
  CHECK(encode(reply, "t", kOld, buffer).payload.find("destination") == std::string_view::npos);
  reply.attributes.push_back({"correlationdata", "AP8="});
  CHECK(encode(reply, "t", kBinary, buffer).correlation_data == std::string("\0\xFF", 2));
  reply.attributes.back().value = "no base64!";
  CHECK(encode(reply, "t", kBinary, buffer).correlation_data == "c-1");
}

TEST_CASE("mqtt message: the time to live is whole seconds and never too short") {
  std::string buffer;
  Event event = reading();
  CHECK(encode(event, "t", kBinary, buffer).expiry_seconds == 2);
  CHECK(encode(event, "t", kStructured, buffer).expiry_seconds == 2);
  CHECK(encode(event, "t", kOld, buffer).expiry_seconds == 0);
  event.expires_after = Duration::max();
  CHECK(encode(event, "t", kBinary, buffer).expiry_seconds == 4'294'967'295U);
  event.expires_after.reset();
  CHECK(encode(event, "t", kBinary, buffer).expiry_seconds == 0);
}

TEST_CASE("mqtt message: the size of the packet is counted to the byte") {
  Message message;
  message.topic = "t";
  message.payload = "ab";
  CHECK(packet_bytes(message, kOld) == 2 + 3 + 2 + 2);
  CHECK(packet_bytes(message, kBinary) == 2 + 3 + 2 + 1 + 2);
  message.content_type = "a/b";
  message.user_properties = {{"n", "v"}, {"id", ""}};
  message.expiry_seconds = 1;
  CHECK(packet_bytes(message, kBinary) == 2 + 3 + 2 + (1 + 6 + 7 + 7 + 5) + 2);
  Message request = message;
  request.response_topic = "a";
  request.correlation_data = "bc";
  request.topic_alias = 1;
  CHECK(packet_bytes(request, kBinary) == packet_bytes(message, kBinary) + 4 + 5 + 3);
  const std::string large(121, 'x');
  message = {.topic = "t", .payload = large};
  CHECK(packet_bytes(message, kOld) == 1 + 1 + 126);
  CHECK(packet_bytes(message, kBinary) == 1 + 1 + 127);
  const std::string larger(122, 'x');
  message.payload = larger;
  CHECK(packet_bytes(message, kBinary) == 1 + 2 + 128);
}

}  // namespace edgepost::mqtt
