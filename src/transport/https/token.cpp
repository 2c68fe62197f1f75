#include "transport/https/token.hpp"

#include <algorithm>
#include <charconv>

#include "transport/https/answers.hpp"
#include "transport/https/authenticator.hpp"
#include "wire/json_reader.hpp"
#include "wire/percent.hpp"

namespace edgepost::https {
namespace {

constexpr std::int64_t kLongestSeconds = 24 * 60 * 60;

TokenReply failed(AnswerClass meaning, std::string reason) {
  TokenReply reply;
  reply.failure.meaning = meaning;
  reply.failure.reason = "token: " + std::move(reason);
  return reply;
}

/// The text of a member; empty: there is none, or it is no string.
std::string text_of(const std::vector<wire::JsonMember>& members, std::string_view name) {
  Result<std::string> text = wire::read_text(wire::find_member(members, name));
  return text ? std::move(*text) : std::string();
}

/// The code of an error, if it is one: lower-case letters and `_` (RFC 6749, section 5.2).
std::string error_code(const Reply& reply) {
  const auto members = wire::read_members(reply.body);
  if (!members) return {};
  const std::string code = text_of(*members, "error");
  const bool is_code =
      code.size() <= 40 && code.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == code.npos;
  return is_code ? code : std::string();
}

}  // namespace

Request token_request(const OAuth2Auth& options, std::string_view client_secret) {
  std::string id;
  wire::append_uri_value(options.client_id, id);
  std::string secret;
  wire::append_uri_value(client_secret, secret);
  Request request;
  request.headers = {{"Authorization", basic_credentials(id, secret)},
                     {"Content-Type", "application/x-www-form-urlencoded"},
                     {"Accept", "application/json"}};
  request.body = "grant_type=client_credentials";
  if (!options.scope.empty()) {
    request.body += "&scope=";
    wire::append_uri_value(options.scope, request.body);
  }
  return request;
}

TokenReply read_token_reply(const Reply& reply, Timestamp wall) {
  using enum AnswerClass;
  if (reply.status == 400 || reply.status == 401 || reply.status == 403) {
    const std::string code = error_code(reply);
    return failed(credentials, "HTTP " + std::to_string(reply.status) +
                                   (code.empty() ? std::string() : " " + code));
  }
  TokenReply out;
  out.failure = judge_status(reply, wall);
  if (out.failure.meaning != acknowledged) {
    out.failure.reason = "token: " + out.failure.reason;
    return out;
  }
  if (std::string wrong = find_wrong_shape(reply); !wrong.empty()) {
    return failed(link_down, std::move(wrong));
  }
  const auto members = wire::read_members(reply.body);
  if (!members) return failed(link_down, "the answer is no JSON object");
  out.token.value = text_of(*members, "access_token");
  const auto is_visible = [](char c) { return c > ' ' && c <= '~'; };
  if (out.token.value.empty() || !std::ranges::all_of(out.token.value, is_visible)) {
    return failed(link_down, "the answer has no access_token");
  }
  if (!equals_ignoring_case(text_of(*members, "token_type"), "Bearer")) {
    return failed(configuration, "the token_type is not Bearer");
  }
  const std::string_view life = wire::find_member(*members, "expires_in");
  std::int64_t seconds = 0;
  std::from_chars(life.data(), life.data() + life.size(), seconds);
  if (seconds > 0) out.token.good_for = std::chrono::seconds(std::min(seconds, kLongestSeconds));
  return out;
}

}  // namespace edgepost::https
