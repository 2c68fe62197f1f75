#include <doctest.h>

#include "document/codec.hpp"

namespace edgepost::document {
namespace {

TEST_CASE("encode: a state is written as the specification shows it") {
  State state{1, {{"gw", 3}}, {}};
  state.fields[{"sp", 0}] = Register{{0x019c1c38a4000000, {"gw", 1}, "21.5"}};
  state.fields[{"gone", 0}] = Register{{0x019c1c38a4000001, {"gw", 2}, ""}};
  state.fields[{"both", 1}] = Siblings{{{{"gw", 3}, {7, {"gw", 3}, "[1]"}}}};
  Maximum top;
  top.epoch = 2;
  top.number = "9";
  state.fields[{"top", 2}] = top;
  state.fields[{"n", 4}] = Counter{0, {{"gw", {5, 0}}}};
  state.fields[{"tags", 5}] = Set{{{"urgent", {{"gw", 3}}}}};
  state.fields[{"log", 6}] = Log{{{8, {"gw", 3}, "1"}}};
  std::string json;
  append_state("cfg/p1", state, json);
  CHECK(json == R"({"v":1,"k":"cfg/p1","g":1,"cc":{"gw":3},"f":{)"
                R"("x:both":{"t":"x","w":[{"r":"gw","s":3,"ts":"0000000000000007","v":[1]}]},)"
                R"("l:gone":{"t":"l","r":"gw","s":2,"ts":"019c1c38a4000001"},)"
                R"("g:log":{"t":"g","w":[{"r":"gw","s":3,"ts":"0000000000000008","v":1}]},)"
                R"("c:n":{"t":"c","e":0,"n":{"gw":[5,0]}},)"
                R"("l:sp":{"t":"l","r":"gw","s":1,"ts":"019c1c38a4000000","v":21.5},)"
                R"("s:tags":{"t":"s","m":{"urgent":[["gw",3]]}},)"
                R"("M:top":{"t":"M","e":2,"v":9}}})");
  const Result<Message> read = read_state(json);
  REQUIRE_MESSAGE(read.is_ok(), read.status().message());
  CHECK(read->state == state);
}

TEST_CASE("encode: a deleted document has its context alone") {
  std::string json;
  append_state("d", {2, {{"gw", 3}}, {}}, json);
  CHECK(json == R"({"v":1,"k":"d","g":2,"cc":{"gw":3},"f":{}})");
  CHECK(read_state(json)->state.generation == 2);
}

}  // namespace
}  // namespace edgepost::document
