#include "bus/requests.hpp"

#include <doctest.h>

#include <chrono>
#include <functional>
#include <memory>
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
  std::shared_ptr<Requests> shared = std::make_shared<Requests>(random);
  Requests& requests = *shared;
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
  CHECK(desk.requests.run(Instant(999ms)) == Instant(1s));
  CHECK(desk.taken().empty());
  CHECK(desk.requests.run(Instant(2s)) == Instant(3s));
  CHECK(desk.taken() == "1!unavailable 2!unavailable ");
  CHECK(desk.last_message == "request to valve: no reply came in time");
  desk.requests.close();
  CHECK(desk.taken() == "3!unavailable ");
  CHECK(desk.last_message == "request to valve: the bus was destroyed");
  CHECK(desk.requests.run(Instant(9s)) == Instant::max());
}

TEST_CASE("requests: one that is cancelled hears nothing") {
  Desk desk;
  const std::string topic = desk.ask("1", kSecond);
  CHECK(desk.requests.waits(desk.number));
  CHECK(desk.requests.cancel(desk.number));
  CHECK_FALSE(desk.requests.waits(desk.number));
  CHECK_FALSE(desk.requests.cancel(desk.number));
  desk.requests.answer({.topic = topic});
  CHECK(desk.requests.run(Instant(9s)) == Instant::max());
  CHECK(desk.taken().empty());
}

TEST_CASE("requests: an answer may ask again") {
  Desk desk;
  Event request{.topic = "a"};
  desk.requests.begin(request, {}, Instant(1s),
                      [&](const Result<Event>&) { desk.ask("again", 2s); });
  CHECK(desk.requests.run(Instant(1s)) == Instant(2s));
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
  int calls = 0;
  std::vector<Code> codes;
  Bus bus;
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

TEST_CASE("bus: what serves a filter answers with the event that its handler returns") {
  Bus bus;
  int plain = 0;
  const auto server = bus.serve("add/+", {}, [&](const Event& request) -> Result<Event> {
    ++plain;
    return Event{.topic = "overwritten", .data = request.data + "!", .correlation_id = "as well"};
  });
  REQUIRE(server.is_ok());
  Event request{.topic = "add/1", .data = "7", .correlation_id = "talk"};
  const Result<Event> reply = bus.request(request, kSecond);
  REQUIRE(reply.is_ok());
  CHECK(reply->data == "7!");
  CHECK(reply->correlation_id == "talk");
  CHECK(bus.publish({.topic = "add/1"}).is_ok());
  CHECK(plain == 2);
  CHECK(bus.status().failed == 0);
}

TEST_CASE("bus: what fails to serve sends nothing and is counted") {
  std::optional<bool> answered;
  Bus bus;
  const auto server = bus.serve("a", {}, [](const Event& request) -> Result<Event> {
    if (request.data.empty()) return Status(Code::unavailable, "no data");
    return Event{};
  });
  const auto note = [&](const Result<Event>& result) { answered = result.is_ok(); };
  CHECK(bus.request({.topic = "a"}, kSecond, note).is_ok());
  Event lost{.topic = "a", .data = "1"};
  lost.attributes.push_back({"responsetopic", "no/+/topic"});
  CHECK(bus.publish(lost).is_ok());
  CHECK_FALSE(answered.has_value());
  CHECK(bus.status().failed == 2);
}

TEST_CASE("bus: what serves needs a handler, a filter and right options") {
  Bus bus;
  const auto answer = [](const Event&) -> Result<Event> { return Event{}; };
  CHECK(bus.serve("a", {}, nullptr).status().message() == "handler: empty, a function is wanted");
  CHECK(bus.serve("a#", {}, answer).status().code() == Code::invalid_argument);
  CHECK(bus.serve("a", {.every = 0}, answer).status().code() == Code::invalid_argument);
}

TEST_CASE("bus: a request that nobody answers ends in step, when its time has come") {
  test::FakeClock clock;
  Bus bus({.platform = {.clock = &clock}, .threads = false});
  std::optional<Code> code;
  const auto server = bus.serve("a", {.run = Run::shared}, [](const Event&) -> Result<Event> {
    return Event{.data = "late"};
  });
  const auto note = [&](const Result<Event>& result) {
    code = result.is_ok() ? Code::ok : result.status().code();
  };
  CHECK(bus.request({.topic = "nobody"}, 2s, note).is_ok());
  CHECK(bus.step(clock.now()) == clock.now() + 2s);
  clock.advance(2s);
  bus.step(clock.now());
  CHECK(code == Code::unavailable);
  CHECK(bus.request({.topic = "a"}, 2s, note).is_ok());
  while (bus.step(clock.now()) <= clock.now()) {
  }
  CHECK(code == Code::ok);
}

TEST_CASE("bus: a request that waits gets the answer of a worker, or none in time") {
  Bus bus;
  const auto server = bus.serve("a", {.run = Run::own}, [](const Event& request) -> Result<Event> {
    return Event{.data = request.data + "!"};
  });
  const Result<Event> reply = bus.request({.topic = "a", .data = "7"}, 60s);
  REQUIRE(reply.is_ok());
  CHECK(reply->data == "7!");
  const Result<Event> none = bus.request({.topic = "nobody"}, 1ms);
  CHECK(none.status().code() == Code::unavailable);
  CHECK(none.status().message() == "request to nobody: no reply came in time");
}
