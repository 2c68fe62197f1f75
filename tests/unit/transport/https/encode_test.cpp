#include "transport/https/encode.hpp"

#include <doctest.h>

namespace edgepost::https {
namespace {

Event event(char last) {
  Event event;
  event.topic = "a b";
  event.source = "/gw";
  event.id = EventId::parse(std::string("0193a3b5-7c00-7000-8000-00000000000") + last).value();
  event.data = "1";
  return event;
}

std::string header(const Request& request, std::string_view name) {
  Reply reply;
  reply.headers = request.headers;
  return std::string(reply.header(name));
}

}  // namespace

TEST_CASE("encode: batch, structured and binary are bodies and headers of their own") {
  const Event one = event('1');
  const Event two = event('2');
  const Event* const both[] = {&one, &two};
  const Request batch = encode(both, HttpsMode::batch);
  CHECK(header(batch, "Content-Type") == "application/cloudevents-batch+json; charset=utf-8");
  CHECK(batch.body.starts_with("[{"));
  const Request structured = encode({both, 1}, HttpsMode::structured);
  CHECK("[" + structured.body + "]" == encode({both, 1}, HttpsMode::batch).body);
  const Request binary = encode({both, 1}, HttpsMode::binary);
  CHECK(binary.body == "1");
  CHECK(header(binary, "ce-subject") == "a%20b");
  CHECK(header(binary, "ce-id") == one.id.to_string());
  CHECK(header(binary, "Content-Type") == "");
}

TEST_CASE("encode: the idempotency key is that of the events and their order [P-12]") {
  const Event one = event('1');
  const Event two = event('2');
  const Event* const forth[] = {&one, &two};
  const Event* const back[] = {&two, &one};
  CHECK(idempotency_key({forth, 1}) == one.id.to_string());
  CHECK(idempotency_key(forth) == idempotency_key(forth));
  CHECK(idempotency_key(forth) != idempotency_key(back));
  CHECK(idempotency_key(forth).size() == 64);
}

}  // namespace edgepost::https
