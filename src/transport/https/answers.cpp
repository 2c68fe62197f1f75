#include "transport/https/answers.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "base/utf8.hpp"
#include "transport/https/retry_after.hpp"
#include "wire/cloudevents.hpp"
#include "wire/json.hpp"
#include "wire/json_reader.hpp"

namespace edgepost::https {
namespace {

using enum AnswerClass;

struct Row {
  int status;
  AnswerClass meaning;
  std::string_view text;
};

constexpr std::array kRows = {
    Row{200, acknowledged, "OK"},
    Row{201, acknowledged, "Created"},
    Row{202, acknowledged, "Accepted"},
    Row{204, acknowledged, "No Content"},
    Row{207, acknowledged, "Multi-Status"},
    Row{400, suspect, "Bad Request"},
    Row{401, credentials, "Unauthorized"},
    Row{403, credentials, "Forbidden"},
    Row{404, configuration, "Not Found"},
    Row{405, configuration, "Method Not Allowed"},
    Row{406, configuration, "Not Acceptable"},
    Row{407, configuration, "Proxy Authentication Required"},
    Row{408, link_down, "Request Timeout"},
    Row{409, conflict, "Conflict"},
    Row{410, configuration, "Gone"},
    Row{411, configuration, "Length Required"},
    Row{412, conflict, "Precondition Failed"},
    Row{413, too_large, "Content Too Large"},
    Row{415, configuration, "Unsupported Media Type"},
    Row{421, configuration, "Misdirected Request"},
    Row{422, suspect, "Unprocessable Content"},
    Row{425, link_down, "Too Early"},
    Row{426, configuration, "Upgrade Required"},
    Row{428, configuration, "Precondition Required"},
    Row{429, slow_down, "Too Many Requests"},
    Row{500, link_down, "Internal Server Error"},
    Row{502, link_down, "Bad Gateway"},
    Row{503, link_down, "Service Unavailable"},
    Row{504, link_down, "Gateway Timeout"},
    Row{511, link_down, "Network Authentication Required: a captive portal stands in between"},
};

/// What stands for a status that is not in the table.
Row row_of(int status) {
  const auto* found = std::ranges::find(kRows, status, &Row::status);
  if (found != kRows.end()) return *found;
  if (status >= 300 && status < 400) return {status, configuration, "a redirect is not followed"};
  if (status >= 400 && status < 500) return {status, suspect, "refused"};
  if (status >= 500 && status < 600) return {status, link_down, "server error"};
  return {status, link_down, "not an answer to this request"};
}

/// A media type without its parameters.
std::string_view media_type(const Reply& reply) {
  std::string_view type = reply.header("Content-Type");
  type = type.substr(0, type.find(';'));
  while (type.ends_with(' '))
    type.remove_suffix(1);
  return type;
}

bool is_json(const Reply& reply) { return wire::is_json_type(reply.header("Content-Type")); }

/// The server's words on one line, cut to a length that fits a log.
std::string in_short(std::string text) {
  constexpr std::size_t kBytesMax = 200;
  std::string out;
  for (const char c : text.substr(0, find_invalid_utf8(text))) {
    const auto byte = static_cast<unsigned char>(c);
    if (out.size() >= kBytesMax && (byte & 0xC0U) != 0x80U) break;
    out.push_back(byte < 0x20 || byte == 0x7F ? ' ' : c);
  }
  return out;
}

Answer not_listed(int status) {
  return {slow_down, std::to_string(status) + ": the answer does not list this event", {}};
}

/// What a body says about single events: `{"accepted":["id"],"rejected":[{"id":…,"reason":…}]}`.
class Lists {
 public:
  /// Errors: invalid_argument: a list is there, but is none.
  Status read(std::string_view body, std::size_t count_max) {
    const auto members = wire::read_members(body);
    if (!members) return {};  // a JSON value of another kind lists nothing
    const std::string_view accepted = wire::find_member(*members, "accepted");
    const std::string_view rejected = wire::find_member(*members, "rejected");
    has_accepted_ = !accepted.empty();
    has_rejected_ = !rejected.empty();
    if (has_accepted_) {
      const auto elements = wire::read_elements(accepted, count_max);
      if (!elements) return elements.status();
      for (const std::string_view element : *elements) {
        Result<std::string> id = wire::read_text(element);
        if (!id) return id.status();
        accepted_.push_back(std::move(*id));
      }
      std::ranges::sort(accepted_);
    }
    return has_rejected_ ? read_rejected(rejected, count_max) : Status();
  }

  [[nodiscard]] bool is_empty() const { return !has_accepted_ && !has_rejected_; }

  [[nodiscard]] Answer answer(int status, const std::string& id) const {
    const auto refused = std::ranges::find(rejected_, id, &Rejected::id);
    if (refused != rejected_.end()) {
      return {suspect, std::to_string(status) + ", rejected: " + refused->reason, {}};
    }
    if (!has_accepted_ || std::ranges::binary_search(accepted_, id)) return {};
    return not_listed(status);
  }

 private:
  struct Rejected {
    std::string id;
    std::string reason;
  };

  Status read_rejected(std::string_view text, std::size_t count_max) {
    const auto elements = wire::read_elements(text, count_max);
    if (!elements) return elements.status();
    for (const std::string_view element : *elements) {
      const auto members = wire::read_members(element);
      if (!members) return members.status();
      Result<std::string> id = wire::read_text(wire::find_member(*members, "id"));
      if (!id) return id.status();
      Result<std::string> reason = wire::read_text(wire::find_member(*members, "reason"));
      rejected_.push_back({std::move(*id), reason ? in_short(std::move(*reason)) : "no reason"});
    }
    return {};
  }

  bool has_accepted_ = false;
  bool has_rejected_ = false;
  std::vector<std::string> accepted_;
  std::vector<Rejected> rejected_;
};

/// The value at a dotted path, as text; nothing when there is none.
std::optional<std::string> find_field(std::string_view body, std::string_view path) {
  for (;;) {
    const std::size_t dot = path.find('.');
    const auto members = wire::read_members(body);
    if (!members) return std::nullopt;
    body = wire::find_member(*members, path.substr(0, dot));
    if (body.empty() || body == "null") return std::nullopt;
    if (dot == std::string_view::npos) break;
    path.remove_prefix(dot + 1);
  }
  if (body.starts_with('{') || body.starts_with('[')) return std::nullopt;
  Result<std::string> text = wire::read_text(body);
  return in_short(text ? std::move(*text) : std::string(body));
}

Judgement judge_success(const Reply& reply, const Expectation& expected) {
  Judgement judgement;
  const auto all = [&](Answer answer) {
    judgement.answers.assign(expected.ids.size(), std::move(answer));
    return std::move(judgement);
  };
  const std::string status = std::to_string(reply.status);
  if (const std::string wrong = find_wrong_shape(reply); !wrong.empty()) {
    return all({link_down, status + ": " + wrong, {}});
  }
  if (!expected.response_field.empty()) {
    std::optional<std::string> found = find_field(reply.body, expected.response_field);
    if (!found) {
      return all({link_down, status + ": the answer has no " + expected.response_field, {}});
    }
    judgement.remote_id = std::move(*found);
  }
  Lists lists;
  if (is_json(reply)) {
    if (const Status read = lists.read(reply.body, 2 * expected.ids.size() + 16); !read.is_ok()) {
      return all({link_down, status + ": a list that is none: " + read.message(), {}});
    }
  }
  if (lists.is_empty() && reply.status == 207) return all(not_listed(207));
  for (const std::string& id : expected.ids)
    judgement.answers.push_back(lists.answer(reply.status, id));
  return judgement;
}

/// Whether a JSON body has `id` as one of its strings: the service speaks of this very event.
bool names(const Reply& reply, const std::string& id) {
  return is_json(reply) && wire::is_json(reply.body) &&
         reply.body.find("\"" + id + "\"") != std::string::npos;
}

}  // namespace

Answer judge_status(const Reply& reply, Timestamp wall) {
  const Row row = row_of(reply.status);
  Answer answer;
  answer.meaning = row.meaning;
  if (row.meaning == acknowledged) return answer;
  answer.reason = "HTTP " + std::to_string(row.status) + " " + std::string(row.text);
  if (row.status == 429 || row.status == 503) {
    answer.retry_after = parse_retry_after(reply.header("Retry-After"), wall);
    if (answer.retry_after) answer.meaning = slow_down;
  }
  return answer;
}

std::string find_wrong_shape(const Reply& reply) {
  constexpr std::size_t kTextBytesMax = 1024;
  if (!reply.was_sent) return "answered before it had the whole request";
  if (!reply.is_whole) return "the answer is cut off";
  if (reply.status == 204) return {};
  const std::string_view encoding = reply.header("Content-Encoding");
  if (!encoding.empty() && !equals_ignoring_case(encoding, "identity")) {
    return "an encoding that was not asked for";
  }
  if (reply.body.empty()) return {};
  const std::string_view type = media_type(reply);
  if (is_json(reply)) return wire::is_json(reply.body) ? "" : "the answer is malformed JSON";
  const std::size_t begin = reply.body.find_first_not_of(" \t\r\n");
  const bool is_markup = begin != std::string::npos && reply.body[begin] == '<';
  if (is_markup || equals_ignoring_case(type, "text/html") ||
      equals_ignoring_case(type, "application/xhtml+xml")) {
    return "a web page instead of an answer: a captive portal or login page stands in between";
  }
  if ((type.empty() || equals_ignoring_case(type, "text/plain")) &&
      reply.body.size() <= kTextBytesMax) {
    return {};
  }
  return "the answer is neither empty nor JSON nor a short text";
}

Judgement judge(const Reply& reply, const Expectation& expected, Timestamp wall) {
  Answer answer = judge_status(reply, wall);
  if (answer.meaning == acknowledged) return judge_success(reply, expected);
  Judgement judgement;
  for (const std::string& id : expected.ids) {
    if (answer.meaning == conflict && names(reply, id)) {
      judgement.answers.push_back({});
      judgement.answers.back().is_duplicate = true;
    } else if (answer.meaning == conflict && expected.ids.size() > 1) {
      judgement.answers.push_back({suspect, answer.reason, {}});
    } else {
      judgement.answers.push_back(answer);
    }
  }
  return judgement;
}

}  // namespace edgepost::https
