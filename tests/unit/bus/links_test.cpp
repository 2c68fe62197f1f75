#include "bus/links.hpp"

#include <doctest.h>

#include <set>
#include <string>
#include <vector>

#include "edgepost/bus.hpp"

using edgepost::BusLink;
using edgepost::to_dot;
using edgepost::bus::join;
using edgepost::bus::Published;
using edgepost::bus::Trace;

TEST_CASE("links: a topic is joined with everybody whose filter matches, and with nobody") {
  const std::set<Published> published = {{"oven", "room/1/heat"}, {"", "door"}};
  const std::vector<BusLink> links =
      join(published, {{"panel", "room/#"}, {"alarm", "room/+/heat"}, {"alarm", "#"}});
  const std::vector<BusLink> wanted = {
      {"", "door", "alarm"}, {"oven", "room/1/heat", "alarm"}, {"oven", "room/1/heat", "panel"}};
  CHECK(links == wanted);
  CHECK(join(published, {}) == std::vector<BusLink>{{"", "door", ""}, {"oven", "room/1/heat", ""}});
}

TEST_CASE("trace: it keeps each publisher and topic once, and ten thousand at most") {
  Trace trace;
  CHECK_FALSE(trace.is_on());
  trace.turn(true);
  CHECK(trace.is_on());
  for (int i = 0; i < 2; ++i)
    trace.note("oven", "heat");
  CHECK(trace.published() == std::set<Published>{{"oven", "heat"}});
  for (int i = 0; i < 10'100; ++i)
    trace.note("oven", std::to_string(i));
  CHECK(trace.published().size() == 10'000);
}

TEST_CASE("to_dot: a handler that listens and publishes is one node between two topics") {
  CHECK(to_dot({{"", "heat", "alarm"}, {"alarm", "siren", ""}}) ==
        "digraph bus {\n"
        "  rankdir=LR;\n"
        "  node [shape=box];\n"
        "  \"handler alarm\" [label=\"alarm\"];\n"
        "  \"topic heat\" [label=\"heat\", shape=ellipse];\n"
        "  \"topic siren\" [label=\"siren\", shape=ellipse];\n"
        "  \"handler alarm\" -> \"topic siren\";\n"
        "  \"topic heat\" -> \"handler alarm\";\n"
        "}\n");
}

TEST_CASE("to_dot: quotes and backslashes in a topic break nothing") {
  const std::string dot = to_dot({{"", "a\"\\", ""}});
  CHECK(dot.find("\"topic a\\\"\\\\\" [label=\"a\\\"\\\\\"") != std::string::npos);
}

TEST_CASE("bus: its links are prepared topics and what was traced, with names") {
  edgepost::Bus bus;
  const auto topic = bus.topic("heat", "oven");
  const auto alarm = bus.subscribe("heat", {.name = "alarm"}, [&](const edgepost::Event&) {
    return bus.publish({.topic = "siren"});
  });
  const auto all = bus.subscribe("#", [](const edgepost::Event&) { return edgepost::Status(); });
  CHECK(bus.publish({.topic = "before"}).is_ok());
  bus.trace(true);
  CHECK(bus.publish({.topic = "heat"}).is_ok());
  bus.trace(false);
  CHECK(bus.publish({.topic = "after"}).is_ok());
  CHECK(bus.retain("+").is_ok());
  const std::vector<BusLink> wanted = {{"", "heat", "#"},
                                       {"", "heat", "alarm"},
                                       {"alarm", "siren", "#"},
                                       {"oven", "heat", "#"},
                                       {"oven", "heat", "alarm"}};
  CHECK(bus.links() == wanted);
}
