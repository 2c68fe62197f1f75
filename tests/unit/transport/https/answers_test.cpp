#include "transport/https/answers.hpp"

#include <doctest.h>

#include <utility>

namespace edgepost::https {
namespace {

using enum AnswerClass;

Reply reply(int status, std::string body = {}, std::string type = "application/json") {
  Reply reply;
  reply.status = status;
  reply.is_whole = reply.was_sent = true;
  if (!body.empty()) reply.headers.push_back({"content-type", std::move(type)});
  reply.body = std::move(body);
  return reply;
}

/// What a reply means for two events, `a` and `b`.
std::vector<Answer> judge_two(const Reply& reply) {
  return judge(reply, {{"a", "b"}, {}}, Timestamp{}).answers;
}

std::vector<AnswerClass> classes(const Reply& reply) {
  std::vector<AnswerClass> out;
  for (const Answer& answer : judge_two(reply))
    out.push_back(answer.meaning);
  return out;
}

using Classes = std::vector<AnswerClass>;

}  // namespace

TEST_CASE("answers: each status has its meaning") {
  const std::vector<std::pair<int, AnswerClass>> table = {
      {100, link_down},     {103, link_down},     {200, acknowledged},  {201, acknowledged},
      {202, acknowledged},  {203, link_down},     {204, acknowledged},  {205, link_down},
      {206, link_down},     {300, configuration}, {301, configuration}, {302, configuration},
      {303, configuration}, {304, configuration}, {307, configuration}, {308, configuration},
      {400, suspect},       {401, credentials},   {402, suspect},       {403, credentials},
      {404, configuration}, {405, configuration}, {406, configuration}, {407, configuration},
      {408, link_down},     {409, conflict},      {410, configuration}, {411, configuration},
      {412, conflict},      {413, too_large},     {414, suspect},       {415, configuration},
      {422, suspect},       {425, link_down},     {426, configuration}, {429, slow_down},
      {431, suspect},       {500, link_down},     {501, link_down},     {502, link_down},
      {503, link_down},     {504, link_down},     {505, link_down},     {511, link_down},
      {600, link_down},     {999, link_down}};
  for (const auto& [status, meaning] : table) {
    CAPTURE(status);
    CHECK(judge_status(reply(status), Timestamp{}).meaning == meaning);
  }
}

TEST_CASE("answers: 429 and 503 ask for time, as long as they say [P-31]") {
  Reply slow = reply(503);
  slow.headers.push_back({"Retry-After", "5"});
  CHECK(judge_status(slow, Timestamp{}).meaning == slow_down);
  CHECK(judge_status(slow, Timestamp{}).retry_after == std::chrono::seconds(5));
  slow.status = 429;
  CHECK(judge_status(slow, Timestamp{}).retry_after == std::chrono::seconds(5));
  CHECK(!judge_status(reply(429), Timestamp{}).retry_after);
  slow.status = 500;
  CHECK(judge_status(slow, Timestamp{}).meaning == link_down);
}

TEST_CASE("answers: an empty body, JSON and a short text acknowledge all") {
  CHECK(classes(reply(200)) == Classes{acknowledged, acknowledged});
  CHECK(classes(reply(202)) == Classes{acknowledged, acknowledged});
  CHECK(classes(reply(201, R"({"status":"created"})")) == Classes{acknowledged, acknowledged});
  CHECK(classes(reply(200, "[1]", "application/json; charset=utf-8")) ==
        Classes{acknowledged, acknowledged});
  CHECK(classes(reply(200, "ok", "text/plain")) == Classes{acknowledged, acknowledged});
}

TEST_CASE("answers: a 2xx that is none of that acknowledges nothing [P-33]") {
  const auto wrong = [](const Reply& reply) {
    return classes(reply) == Classes{link_down, link_down};
  };
  CHECK(wrong(reply(200, "<html>", "text/html")));
  CHECK(wrong(reply(202, "sign in", "TEXT/HTML; charset=x")));
  CHECK(wrong(reply(200, "\n<!DOCTYPE html>", "text/plain")));
  CHECK(wrong(reply(200, "\x89PNG", "image/png")));
  CHECK(wrong(reply(200, "{", "application/json")));
  CHECK(wrong(reply(200, std::string(1025, 'x'), "text/plain")));
  Reply cut = reply(200, "{}");
  cut.is_whole = false;
  CHECK(judge_two(cut)[0].reason == "200: the answer is cut off");
  Reply early = reply(200, "{}");
  early.was_sent = false;
  CHECK(judge_two(early)[0].reason == "200: answered before it had the whole request");
  Reply packed = reply(200, "{}");
  packed.headers.push_back({"Content-Encoding", "gzip"});
  CHECK(wrong(packed));
  CHECK(judge_two(reply(200, "<a>", "text/html"))[0].reason ==
        "200: a web page instead of an answer: a captive portal or login page stands in between");
}

TEST_CASE("answers: where ids are listed, only those are acknowledged") {
  CHECK(classes(reply(202, R"({"accepted":["b"]})")) == Classes{slow_down, acknowledged});
  CHECK(classes(reply(200, R"({"accepted":[],"rejected":[{"id":"a","reason":"x"}]})")) ==
        Classes{suspect, slow_down});
  CHECK(classes(reply(207, R"({"rejected":[{"id":"a"}]})")) == Classes{suspect, acknowledged});
  CHECK(classes(reply(207)) == Classes{slow_down, slow_down});
  const auto answers = judge_two(reply(200, R"({"rejected":[{"id":"a","reason":"no\r\nuse"}]})"));
  CHECK(answers[0].reason == "200, rejected: no  use");
}

TEST_CASE("answers: lists that are none acknowledge nothing [P-62]") {
  for (const char* body :
       {R"({"accepted":"a"})", R"({"accepted":[1]})", R"({"rejected":["a"]})",
        R"({"rejected":[{"reason":"x"}]})", R"({"rejected":[{"id":1}]})", R"({"accepted":null})"}) {
    CAPTURE(body);
    CHECK(classes(reply(200, body)) == Classes{link_down, link_down});
  }
  std::string many = R"({"accepted":[)";
  for (int i = 0; i < 100; ++i)
    many += "\"a\",";
  many.back() = ']';
  CHECK(classes(reply(200, many + "}")) == Classes{link_down, link_down});
}

TEST_CASE("answers: a conflict is a duplicate where the body names the event") {
  const auto answers = judge_two(reply(409, R"({"error":{"existing":"a"}})"));
  CHECK(answers[0].meaning == acknowledged);
  CHECK(answers[0].is_duplicate);
  CHECK(answers[1].meaning == suspect);
  CHECK(judge(reply(412), {{"a"}, {}}, Timestamp{}).answers[0].meaning == conflict);
  const Reply text = reply(409, "\"a\"", "text/plain");
  CHECK(judge(text, {{"a"}, {}}, Timestamp{}).answers[0].meaning == conflict);
}

TEST_CASE("answers: the field that a template asks for must be there") {
  const auto ask = [](std::string body) {
    return judge(reply(200, std::move(body)), {{"a"}, "data.id"}, Timestamp{});
  };
  CHECK(ask(R"({"data":{"id":"x7"}})").remote_id == "x7");
  CHECK(ask(R"({"data":{"id":12}})").remote_id == "12");
  for (const char* body : {"", "{}", R"({"data":5})", R"({"data":{"id":null}})", R"({"id":1})",
                           R"({"data":{"id":{}}})"}) {
    CAPTURE(body);
    CHECK(ask(body).answers[0].reason == "200: the answer has no data.id");
  }
}

}  // namespace edgepost::https
