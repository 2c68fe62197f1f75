#include "transport/mqtt/answers.hpp"

#include <algorithm>
#include <array>

namespace edgepost::mqtt {
namespace {

using enum AnswerClass;

/// One reason code and its meaning in each packet that may carry it. A packet that may not is read
/// as the mildest thing it can be: try again later.
struct Reason {
  int code;
  AnswerClass in_connack;
  AnswerClass in_puback;
  AnswerClass in_disconnect;
  std::string_view text;
};

constexpr std::array kReasons = {
    Reason{0x00, link_down, acknowledged, link_down, "closed by the broker"},
    Reason{0x10, link_down, acknowledged, link_down, "no matching subscribers"},
    Reason{0x80, link_down, suspect, link_down, "unspecified error"},
    Reason{0x81, link_down, link_down, link_down, "malformed packet"},
    Reason{0x82, link_down, link_down, link_down, "protocol error"},
    Reason{0x83, link_down, suspect, link_down, "implementation specific error"},
    Reason{0x84, configuration, link_down, link_down, "unsupported protocol version"},
    Reason{0x85, configuration, link_down, link_down, "client identifier not valid"},
    Reason{0x86, credentials, link_down, link_down, "bad user name or password"},
    Reason{0x87, credentials, configuration, credentials, "not authorized"},
    Reason{0x88, link_down, link_down, link_down, "server unavailable"},
    Reason{0x89, link_down, link_down, link_down, "server busy"},
    Reason{0x8A, credentials, link_down, credentials, "banned"},
    Reason{0x8B, link_down, link_down, link_down, "server shutting down"},
    Reason{0x8C, configuration, link_down, link_down, "bad authentication method"},
    Reason{0x8D, link_down, link_down, link_down, "keep alive timeout"},
    Reason{0x8E, link_down, link_down, link_down,
           "session taken over: another client uses this client id"},
    Reason{0x8F, link_down, link_down, configuration, "topic filter invalid"},
    Reason{0x90, configuration, suspect, link_down, "topic name invalid"},
    Reason{0x91, link_down, slow_down, link_down, "packet identifier in use"},
    Reason{0x93, link_down, slow_down, slow_down, "receive maximum exceeded"},
    Reason{0x95, configuration, too_large, too_large, "packet too large"},
    Reason{0x96, link_down, slow_down, slow_down, "message rate too high"},
    Reason{0x97, slow_down, slow_down, slow_down, "quota exceeded"},
    Reason{0x98, link_down, link_down, link_down, "administrative action"},
    Reason{0x99, configuration, suspect, link_down, "payload format invalid"},
    Reason{0x9A, configuration, link_down, link_down, "retain not supported"},
    Reason{0x9B, configuration, link_down, configuration, "QoS not supported"},
    Reason{0x9C, configuration, link_down, link_down, "use another server"},
    Reason{0x9D, configuration, link_down, link_down, "server moved"},
    Reason{0x9E, link_down, link_down, configuration, "shared subscriptions not supported"},
    Reason{0x9F, slow_down, link_down, slow_down, "connection rate exceeded"},
    Reason{0xA2, link_down, link_down, configuration, "wildcard subscriptions not supported"},
};

struct ReturnCode {
  int code;
  AnswerClass meaning;
  std::string_view text;
};

constexpr std::array kReturnCodes = {
    ReturnCode{1, configuration, "unacceptable protocol version"},
    ReturnCode{2, configuration, "client identifier not valid"},
    ReturnCode{3, link_down, "server unavailable"},
    ReturnCode{4, credentials, "bad user name or password"},
    ReturnCode{5, credentials, "not authorized"},
};

std::string in_words(std::string_view event, std::string_view text, int code) {
  return std::string(event)
      .append(": ")
      .append(text)
      .append(" (")
      .append(std::to_string(code))
      .append(")");
}

/// `meaning` is the column of the packet that carried the code.
Answer look_up(int code, AnswerClass Reason::*meaning, std::string_view event) {
  const auto* reason = std::ranges::find(kReasons, code, &Reason::code);
  if (reason == kReasons.end()) return {link_down, in_words(event, "unknown reason", code), {}};
  if (reason->*meaning == acknowledged) return {};
  return {reason->*meaning, in_words(event, reason->text, code), {}};
}

}  // namespace

Answer connect_answer(int code, bool is_v5) {
  constexpr std::string_view kEvent = "connection refused";
  if (is_v5) return look_up(code, &Reason::in_connack, kEvent);
  const auto* found = std::ranges::find(kReturnCodes, code, &ReturnCode::code);
  if (found == kReturnCodes.end()) return {link_down, in_words(kEvent, "unknown reason", code), {}};
  return {found->meaning, in_words(kEvent, found->text, code), {}};
}

Answer publish_answer(int code) { return look_up(code, &Reason::in_puback, "publish refused"); }

Answer subscribe_answer(int code, bool is_v5) {
  constexpr int kIdentifierInUse = 0x91;
  constexpr int kQuotaExceeded = 0x97;
  const auto* reason = std::ranges::find(kReasons, code, &Reason::code);
  const bool is_known = is_v5 && reason != kReasons.end();
  Answer answer{configuration,
                in_words("subscription refused", is_known ? reason->text : "failure", code),
                {}};
  if (code == kIdentifierInUse) answer.meaning = link_down;
  if (code == kQuotaExceeded) answer.meaning = slow_down;
  return answer;
}

Answer disconnect_answer(int code) {
  return look_up(code, &Reason::in_disconnect, "disconnected by the broker");
}

}  // namespace edgepost::mqtt
