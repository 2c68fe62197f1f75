#include "transport/https/encode.hpp"

#include "tls/digest.hpp"
#include "wire/cloudevents.hpp"
#include "wire/percent.hpp"

namespace edgepost::https {
namespace {

void encode_binary(const Event& event, Request& request) {
  if (!event.content_type.empty()) {
    request.headers.push_back({"Content-Type", event.content_type});
  }
  for (const auto& [name, value] : wire::attributes(event)) {
    HttpHeader header{"ce-", {}};
    header.name += name;
    wire::append_header_value(value, header.value);
    request.headers.push_back(std::move(header));
  }
  request.body = event.data;
}

}  // namespace

Request encode(std::span<const Event* const> events, HttpsMode mode) {
  Request request;
  switch (mode) {
    case HttpsMode::batch:
      request.headers.push_back(
          {"Content-Type", "application/cloudevents-batch+json; charset=utf-8"});
      wire::append_batch(events, request.body);
      break;
    case HttpsMode::structured:
      request.headers.push_back({"Content-Type", "application/cloudevents+json; charset=utf-8"});
      wire::append_json(*events.front(), request.body);
      break;
    case HttpsMode::binary:
      encode_binary(*events.front(), request);
      break;
  }
  return request;
}

std::string idempotency_key(std::span<const Event* const> events) {
  if (events.size() == 1) return events.front()->id.to_string();
  std::string ids;
  for (const Event* event : events)
    ids += event->id.to_string();
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string key;
  for (const char byte : tls::sha256(ids)) {
    const auto value = static_cast<unsigned char>(byte);
    key.push_back(kDigits[value >> 4U]);
    key.push_back(kDigits[value & 15U]);
  }
  return key;
}

}  // namespace edgepost::https
