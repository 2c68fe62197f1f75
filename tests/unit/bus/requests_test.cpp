#include "bus/requests.hpp"

#include <doctest.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/attributes.hpp"
#include "base/topic.hpp"
#include "edgepost/bus.hpp"
#include "support/fake_clock.hpp"
#include "support/fake_random.hpp"

using namespace edgepost;
using namespace std::chrono_literals;
using bus::Requests;

namespace {

constexpr Duration kSecond = 1s;

// Requests that write down what became of them, as "name=data " or "name!code ".
struct Desk {
  Requests::Done done(const std::string& name) {
    return [this, name](const Result<Event>& result) {
      heard += name;
      heard += result ? "=" + result->data : "!" + std::string(to_string(result.status().code()));
      heard += " ";
      if (!result) last_message = result.status().message();
    };
  }

  // The reply topic that the request got.
  std::string ask(const std::string& name, Duration deadline) {
    Event request{.topic = "valve"};
    number = requests.begin(request, {}, Instant(deadline), done(name));
    return *find_attribute(request, kResponseTopic);
  }

  std::string taken() { return std::exchange(heard, {}); }

  test::FakeRandom random{1};
  Requests requests{random};
  std::uint64_t number = 0;
  std::string heard;
  std::string last_message;
};

}  // namespace

TEST_CASE("requests: each has a reply topic of its own, and the first reply ends it") {
  Desk desk;
  const std::string first = desk.ask("1", kSecond);
  const std::string second = desk.ask("2", kSecond);
  CHECK(first != second);
  CHECK(topic_matches(bus::kReplyFilter, first));
  desk.requests.answer({.topic = second, .data = "b"});
  desk.requests.answer({.topic = second, .data = "c"});
  desk.requests.answer({.topic = first, .data = "a"});
  CHECK(desk.taken() == "2=b 1=a ");
}

TEST_CASE("requests: what answers nobody is ignored") {
  Desk desk;
  desk.ask("1", kSecond);
  for (const char* level : {"", "0", "2", "x", "1x", "-1", "99999999999999999999"})
    desk.requests.answer({.topic = "edgepost/reply/" + std::string(level)});
  CHECK(desk.taken().empty());
}

TEST_CASE("requests: those whose deadline has come get unavailable, in its order") {
  Desk desk;
  desk.ask("2", 2s);
  desk.ask("1", 1s);
  desk.ask("3", 3s);
  CHECK(desk.requests.expire(Instant(999ms)) == Instant(1s));
  CHECK(desk.taken().empty());
  CHECK(desk.requests.expire(Instant(2s)) == Instant(3s));
  CHECK(desk.taken() == "1!unavailable 2!unavailable ");
  CHECK(desk.last_message == "request to valve: no reply came in time");
  desk.requests.close();
  CHECK(desk.taken() == "3!unavailable ");
  CHECK(desk.last_message == "request to valve: the bus was destroyed");
  CHECK(desk.requests.expire(Instant(9s)) == Instant::max());
}

TEST_CASE("requests: one that is cancelled hears nothing") {
  Desk desk;
  const std::string topic = desk.ask("1", kSecond);
  CHECK(desk.requests.waits(desk.number));
  CHECK(desk.requests.cancel(desk.number));
  CHECK_FALSE(desk.requests.waits(desk.number));
  CHECK_FALSE(desk.requests.cancel(desk.number));
  desk.requests.answer({.topic = topic});
  CHECK(desk.requests.expire(Instant(9s)) == Instant::max());
  CHECK(desk.taken().empty());
}

TEST_CASE("requests: an answer may ask again") {
  Desk desk;
  Event request{.topic = "a"};
  desk.requests.begin(request, {}, Instant(1s),
                      [&](const Result<Event>&) { desk.ask("again", 2s); });
  CHECK(desk.requests.expire(Instant(1s)) == Instant(2s));
}

TEST_CASE("bus: a request without a correlation id gets one, and one that it has stays") {
  Bus bus;
  std::vector<std::string> ids;
  const auto listener = bus.subscribe("a", [&](const Event& event) {
    ids.push_back(event.correlation_id);
    return Status();
  });
  const auto ignore = [](const Result<Event>&) {};
  CHECK(bus.request({.topic = "a"}, kSecond, ignore).is_ok());
  CHECK(bus.request({.topic = "a", .correlation_id = "mine"}, kSecond, ignore).is_ok());
  REQUIRE(ids.size() == 2);
  CHECK(EventId::parse(ids[0]).is_ok());
  CHECK(ids[1] == "mine");
}

TEST_CASE("bus: a request that is answered at once is answered before it returns") {
  Bus bus;
  const auto server = bus.subscribe("add", [&](const Event& request) {
    Event reply{.data = request.data + "+1"};
    reply.topic = *find_attribute(request, kResponseTopic);
    return bus.publish(reply);
  });
  const Result<Event> reply = bus.request({.topic = "add", .data = "7"}, kSecond);
  REQUIRE(reply.is_ok());
  CHECK(reply->data == "7+1");
  std::string heard;
  CHECK(bus.request({.topic = "add", .data = "1"}, kSecond,
                    [&](const Result<Event>& result) { heard = result->data; })
            .is_ok());
  CHECK(heard == "1+1");
}

TEST_CASE("bus: a request that cannot be right is refused, and its done is not called") {
  Bus bus;
  int calls = 0;
  const auto count = [&](const Result<Event>&) { ++calls; };
  const auto message = [&](Event request, Duration timeout, Requests::Done done) {
    const Status status = bus.request(std::move(request), timeout, std::move(done));
    CHECK(status.code() == Code::invalid_argument);
    return status.message();
  };
  CHECK(message({.topic = "a"}, kSecond, nullptr) == "done: empty, a function is wanted");
  CHECK(message({.topic = "a"}, Duration::zero(), count) == "timeout: must be positive");
  Event asking{.topic = "a"};
  asking.attributes.push_back({"responsetopic", "b"});
  CHECK(message(asking, kSecond, count) == "responsetopic: the request has one already");
  CHECK(bus.request(asking, kSecond).status().code() == Code::invalid_argument);
  CHECK(calls == 0);
}

TEST_CASE("bus: a request that is nested too deep is refused, and its done is not called") {
  Bus bus;
  int calls = 0;
  std::vector<Code> codes;
  const auto loop = bus.subscribe("a", [&](const Event&) {
    const Status status =
        bus.request({.topic = "a"}, kSecond, [&](const Result<Event>&) { ++calls; });
    codes.push_back(status.code());
    return status;
  });
  CHECK(bus.request({.topic = "a"}, Duration::max(), [](const Result<Event>&) {}).is_ok());
  CHECK(codes.front() == Code::wrong_state);
  CHECK(codes.size() == 16);
  CHECK(calls == 0);
}

TEST_CASE("bus: its end answers those who still wait with unavailable") {
  std::optional<Code> code;
  {
    Bus bus;
    CHECK(bus.request({.topic = "a"}, kSecond,
                      [&](const Result<Event>& result) { code = result.status().code(); })
              .is_ok());
    CHECK_FALSE(code.has_value());
  }
  CHECK(code == Code::unavailable);
}
