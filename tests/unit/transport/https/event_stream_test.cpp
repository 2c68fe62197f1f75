#include "transport/https/event_stream.hpp"

#include <doctest.h>

namespace edgepost::https {
namespace {

/// The events of a stream as `id=data`, read in pieces of `size` bytes.
std::vector<std::string> events_of(std::string_view text, std::size_t size = 1) {
  EventStream stream(64);
  std::vector<StreamEvent> events;
  for (std::size_t at = 0; at < text.size(); at += size)
    REQUIRE(stream.take(text.substr(at, size), events).is_ok());
  std::vector<std::string> out;
  for (const StreamEvent& event : events)
    out.push_back(event.id + "=" + event.data);
  return out;
}

using Strings = std::vector<std::string>;

}  // namespace

TEST_CASE("event_stream: an event ends with a blank line, whatever its line breaks are") {
  constexpr std::string_view kText = "id: 1\ndata: a\n\nid:2\r\ndata:b\r\n\r\ndata: c\r\r";
  for (const std::size_t size : {1U, 2U, 3U, 7U, 100U}) {
    CAPTURE(size);
    CHECK(events_of(kText, size) == Strings{"1=a", "2=b", "2=c"});
  }
}

TEST_CASE("event_stream: lines of data are joined, comments and other fields are left out") {
  CHECK(events_of("\xEF\xBB\xBF: hello\ndata: a\nevent: x\ndata:  b\nnonsense\ndata\n\n") ==
        Strings{"=a\n b\n"});
  CHECK(events_of("id: 1\n\ndata: x\n") == Strings{});
  CHECK(events_of(std::string_view("id: 1\nid: 2\0\ndata: a\n\n", 22)) == Strings{"1=a"});
}

TEST_CASE("event_stream: retry is a number of milliseconds") {
  EventStream stream(64);
  std::vector<StreamEvent> events;
  CHECK(!stream.retry());
  REQUIRE(stream.take("retry: soon\nretry: 2500\n", events).is_ok());
  CHECK(stream.retry() == std::chrono::milliseconds(2500));
}

TEST_CASE("event_stream: an event without end is refused at its bound [P-62]") {
  EventStream stream(16);
  std::vector<StreamEvent> events;
  REQUIRE(stream.take("data: 123\n", events).is_ok());
  CHECK(stream.take("data: 123456789", events).code() == Code::invalid_argument);
  EventStream lines(16);
  Status status;
  for (int i = 0; i < 100 && status.is_ok(); ++i)
    status = lines.take("data:\n", events);
  CHECK(status.code() == Code::invalid_argument);
}

}  // namespace edgepost::https
