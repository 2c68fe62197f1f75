#include "transport/https/inbound.hpp"

#include <algorithm>
#include <utility>

#include "transport/https/answers.hpp"
#include "wire/foreign.hpp"
#include "wire/percent.hpp"

namespace edgepost::https {
namespace {

// A server that has nothing and says so at once is asked no more often.
constexpr Duration kShortestPause = std::chrono::seconds(1);
constexpr Duration kLongestPause = std::chrono::hours(1);
constexpr std::size_t kBatchEventsMax = 10'000;
constexpr std::size_t kCursorBytesMax = 4'096;

Answer poll_failure(std::string reason) {
  return {AnswerClass::link_down, "poll: " + std::move(reason), {}};
}

bool is_cursor(std::string_view text) {
  return text.size() <= kCursorBytesMax &&
         std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

}  // namespace

void Inbound::start(Instant now) {
  is_on_ = true;
  knows_cursor_ = false;
  next_at_ = now;
}

void Inbound::stop() {
  is_on_ = asks_ = false;
  ending_.reset();
  pieces_.clear();
  line_->close();
}

Instant Inbound::due() const {
  const bool waits = is_on_ && !line_->is_busy();
  return waits ? std::min(line_->due(), next_at_) : line_->due();
}

void Inbound::step(Instant now) {
  line_->step(now);
  if (!is_on_) return;
  pieces_ += line_->take_pieces();
  if (std::optional<Ending> ending = line_->take_ending()) ending_ = std::move(ending);
  asks_ = !line_->is_busy() && !ending_ && now >= next_at_;
}

void Inbound::ask(Instant now, TransportSink& sink) {
  if (!std::exchange(knows_cursor_, true)) cursor_ = sink.cursor();
  Request request;
  request.method = "GET";
  request.target = url_.target();
  request.headers.push_back({"Host", url_.authority()});
  request.is_stream = kind_ == HttpsInbound::events;
  if (request.is_stream) {
    request.headers.push_back({"Accept", "text/event-stream"});
    if (!cursor_.empty()) request.headers.push_back({"Last-Event-ID", cursor_});
    stream_.emplace(event_bytes_max_);
  } else {
    request.headers.push_back({"Accept", "application/cloudevents-batch+json"});
    if (!cursor_.empty()) {
      request.target += url_.query.empty() ? "?cursor=" : "&cursor=";
      wire::append_uri_value(cursor_, request.target);
    }
  }
  prepare_(request);
  asked_at_ = now;
  asks_ = false;
  line_->start(std::move(request), now);
}

std::optional<Answer> Inbound::deliver(Instant now, TransportSink& sink) {
  if (!pieces_.empty()) {
    if (std::optional<Answer> failure = take_pieces(sink)) return failure;
  }
  if (ending_) {
    const Ending ending = std::move(*std::exchange(ending_, std::nullopt));
    Outcome outcome = take_ending(now, ending, sink);
    Call call{"poll", !outcome.failure.has_value(), now - asked_at_, std::move(outcome.detail)};
    if (outcome.failure) call.detail = outcome.failure->reason;
    sink.on_call(call);
    if (outcome.failure) return outcome.failure;
    // One that was given up may still be on the line.
    asks_ = is_on_ && !line_->is_busy() && now >= next_at_;
  }
  if (asks_) ask(now, sink);
  return std::nullopt;
}

Inbound::Outcome Inbound::take_ending(Instant now, const Ending& ending, TransportSink& sink) {
  next_at_ = std::max(now, asked_at_ + kShortestPause);
  const Reply& reply = ending.reply;
  // The server held the request open and had nothing to say: that is what it is for.
  if (ending.is_late) return {.detail = "nothing"};
  if (reply.status == 0) {
    Answer failure = ending.failure;
    failure.reason = "poll: " + failure.reason;
    return {.failure = std::move(failure)};
  }
  Answer answer = judge_status(reply, clock_.wall());
  if (answer.meaning != AnswerClass::acknowledged) {
    answer.reason = "poll: " + answer.reason;
    return {.failure = std::move(answer)};
  }
  if (kind_ == HttpsInbound::events && reply.body.empty()) {
    if (!reply.is_whole) return {.failure = poll_failure("the stream was cut off")};
    const Duration pause = stream_->retry().value_or(kShortestPause);
    next_at_ = std::max(next_at_, now + std::min(pause, kLongestPause));
    return {.detail = "the stream ended"};
  }
  if (reply.status == 204) return {.detail = "nothing"};
  if (std::string wrong = find_wrong_shape(reply); !wrong.empty()) {
    return {.failure = poll_failure(std::move(wrong))};
  }
  if (kind_ == HttpsInbound::events)
    return {.failure = poll_failure("the answer is no event stream")};
  Outcome outcome = take_batch(reply, sink);
  if (outcome.has_moved) next_at_ = now;
  return outcome;
}

Inbound::Outcome Inbound::take_batch(const Reply& reply, TransportSink& sink) {
  const std::string cursor(reply.header("Edgepost-Cursor"));
  if (!is_cursor(cursor)) return {.failure = poll_failure("a malformed cursor")};
  const auto texts = wire::read_batch(reply.body, kBatchEventsMax);
  if (!texts) return {.failure = poll_failure(texts.status().message())};
  std::vector<Received> events;
  std::string malformed;
  for (const std::string_view text : *texts) {
    Result<Received> event = wire::read_structured(text);
    if (event) {
      events.push_back(std::move(*event));
    } else {
      malformed = "; malformed: " + event.status().message();
    }
  }
  if (!events.empty()) {
    events.back().cursor = cursor;
    const Status stored = sink.on_received(events);
    if (!stored.is_ok()) return {.failure = poll_failure("not stored: " + stored.message())};
  }
  Outcome outcome{.detail = std::to_string(texts->size()) + " events" + malformed};
  // A server that stays where it is says the same again; only one that moves may have more.
  outcome.has_moved = !texts->empty() && !cursor.empty() && cursor != cursor_;
  // Also past events that are of no use: they would come again for ever.
  if (!cursor.empty()) cursor_ = cursor;
  return outcome;
}

std::optional<Answer> Inbound::take_pieces(TransportSink& sink) {
  std::vector<StreamEvent> found;
  const Status read = stream_->take(std::exchange(pieces_, {}), found);
  std::vector<Received> events;
  for (StreamEvent& each : found) {
    if (!is_cursor(each.id)) return poll_failure("a malformed cursor");
    Result<Received> event = wire::read_structured(each.data);
    if (!each.id.empty()) cursor_ = each.id;
    if (!event) {
      sink.on_call({"poll", false, Duration::zero(), "malformed: " + event.status().message()});
      continue;
    }
    event->cursor = std::move(each.id);
    events.push_back(std::move(*event));
  }
  if (!events.empty()) {
    const Status stored = sink.on_received(events);
    if (!stored.is_ok()) return poll_failure("not stored: " + stored.message());
  }
  if (!read.is_ok()) return poll_failure(read.message());
  return std::nullopt;
}

}  // namespace edgepost::https
