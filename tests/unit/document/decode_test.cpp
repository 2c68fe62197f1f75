#include <doctest.h>

#include "document/codec.hpp"
#include "unit/document/history.hpp"

namespace edgepost::document {
namespace {

// The state that the specification shows.
constexpr std::string_view kShown =
    R"({"v":1,"k":"cfg/p1","g":1,"cc":{"gw":3},"f":{"l:sp":{"t":"l","r":"gw","s":1,)"
    R"("ts":"019c1c38a4000000","v":21.5},"c:n":{"t":"c","e":0,"n":{"gw":[5,0]}},)"
    R"("s:tags":{"t":"s","m":{"urgent":[["gw",3]]}}}})";

std::string error_of(const std::string& from, const std::string& to) {
  std::string json(kShown);
  json.replace(json.find(from), from.size(), to);
  return read_state(json).status().message();
}

TEST_CASE("decode: the state that the specification shows is read") {
  const Result<Message> read = read_state(kShown);
  REQUIRE_MESSAGE(read.is_ok(), read.status().message());
  CHECK(read->key == "cfg/p1");
  CHECK(read->state.generation == 1);
  const auto& last = std::get<Register>(read->state.fields.at({"sp", 0})).last;
  CHECK(last == Write{0x019c1c38a4000000, {"gw", 1}, "21.5"});
  CHECK(std::get<Counter>(read->state.fields.at({"n", 4})).sums.at("gw").added == 5);
  CHECK(std::get<Set>(read->state.fields.at({"tags", 5})).elements.at("urgent").size() == 1);
}

TEST_CASE("decode: what is missing, unknown or of another kind is named") {
  CHECK(error_of(R"("v":1,)", "") == "v: a whole number is wanted, 1 or more");
  CHECK(error_of(R"("v":1,)", R"("v":2,"new":1,)") == "v: version 2, 1 is known");
  CHECK(error_of(R"("g":1)", R"("g":0)") == "g: a whole number is wanted, 1 or more");
  CHECK(error_of(R"("g":1)", R"("g":2)") == "f: a deleted document has no fields");
  CHECK(error_of(R"("g":1)", R"("g":1,"g":3)").starts_with("document: "));
  CHECK(error_of(R"("g":1)", R"("g":1,"z":3)") == "document: an unknown member 'z'");
  CHECK(error_of(R"("cfg/p1")", R"("")") == "k: 1 to 255 bytes are wanted");
  CHECK(error_of(R"("cfg/p1")", "5") == "k: a text is wanted");
  CHECK(error_of(R"({"gw":3})", R"({"gw":true})") == "cc.gw: a whole number is wanted, 1 or more");
  CHECK(error_of(R"("l:sp")", R"("z:sp")") == "f.z:sp: a type that nobody knows");
  CHECK(error_of(R"("l:sp")", R"("l:")") == "f.l:: a type that nobody knows");
  CHECK(error_of(R"("t":"l")", R"("t":"x")") == "f.l:sp.t: not the type in the name");
  CHECK(error_of(R"("r":"gw",)", "") == "f.l:sp.r: a text is wanted");
  CHECK(error_of(R"("v":21.5)", R"("v":21.5,"w":1)") == "f.l:sp: an unknown member 'w'");
  CHECK(error_of(R"("v":21.5)", R"("v":1e400)") == "f.l:sp.v: a number that is too large");
}

TEST_CASE("decode: writes that nobody can have made are refused") {
  CHECK(error_of(R"("s":1,)", R"("s":0,)") == "f.l:sp.s: a whole number is wanted, 1 or more");
  CHECK(error_of(R"("s":1,)", R"("s":4,)") == "f.l:sp: the context has not seen this write");
  CHECK(error_of(R"(["gw",3])", R"(["gw",4])") ==
        "f.s:tags.m: the context has not seen this write");
  CHECK(error_of(R"({"gw":[5,0]})", R"({"cloud":[5,0]})") ==
        "f.c:n.n.cloud: the context does not know it");
  CHECK(error_of(R"("019c1c38a4000000")", "-1") == "f.l:sp.ts: a text is wanted");
  CHECK(error_of("019c1c38a4000000", "7fffffffffffffff") == "f.l:sp.ts: it is after the year 2099");
  CHECK(error_of("019c1c38a4000000", "019C1C38A4000000") ==
        "f.l:sp.ts: 16 hexadecimal digits are wanted");
  CHECK(error_of("[5,0]", "[5]") == "f.c:n.n.gw: two numbers are wanted");
  CHECK(error_of("[5,0]", "[5,-1]") == "f.c:n.n.gw: a whole number is wanted, 0 or more");
  CHECK(error_of(R"([["gw",3]])", R"([["gw",3],["gw",3]])") ==
        "f.s:tags.m: each element has writes, each of them once");
  CHECK(error_of(R"([["gw",3]])", "[]") ==
        "f.s:tags.m: each element has writes, each of them once");
  CHECK(error_of(R"({"urgent":[["gw",3]]})", "{}") == "f.s:tags: no element");
}

TEST_CASE("decode: limits hold") {
  std::string many = R"("cc":{"gw":3)";
  for (int i = 0; i < 32; ++i)
    many += ",\"r" + std::to_string(i) + "\":1";
  CHECK(error_of(R"("cc":{"gw":3)", many) == "cc: more than 32 replicas");
  CHECK(error_of(R"("cc":{"gw":3)", R"("cc":{"gw":3,"":1)") == "cc: a replica has 1 to 64 bytes");
  CHECK(error_of("l:sp", "l:" + std::string(129, 'n')).find("longer than 128") !=
        std::string::npos);
  CHECK(error_of("21.5", '"' + std::string(40'000, 'x') + '"') == "document: larger than 32 KiB");
}

TEST_CASE("decode: bytes that are changed at random are read as a state or refused") {
  History history(7, 3, true);
  history.run(200);
  for (const State& state : history.states()) {
    if (state.generation == 0) continue;
    std::string json;
    append_state("d", state, json);
    for (int i = 0; i < 200; ++i) {
      std::string broken = json;
      for (std::size_t n = 1 + history.below(3); n > 0; --n)
        broken[history.below(broken.size())] = "{}[]\",:0918\\xlM"[history.below(15)];
      const Result<Message> read = read_state(broken);
      if (!read) continue;
      const State merged = merge(state, read->state);
      CHECK(includes(merged, state));
      std::string again;
      append_state(read->key, read->state, again);
      CHECK(read_state(again)->state == read->state);
    }
  }
}

}  // namespace
}  // namespace edgepost::document
