// What comes back: what an answer means for its event stands here, and nowhere else.
#include <algorithm>
#include <chrono>
#include <utility>

#include "base/backoff.hpp"
#include "uplink/lane.hpp"
#include "uplink/uplink.hpp"

namespace edgepost {

void Uplink::on_answer(Lane& lane, std::uint64_t token, const Answer& answer) {
  const Instant now = platform_.clock->now();
  has_news_ = true;
  blame(lane, answer, now);
  const auto flight = lane.brain.answered(now, token, answer);
  if (!flight) return;
  --lane.in_flight[drains_[flight->place.stream].route];
  settle(lane, *flight, answer, now);
  if (answer.meaning != AnswerClass::acknowledged || lane.brain.in_flight() == 0) {
    note_lane(lane, now);
  }
  // After the event that was answered, which stands before them.
  release_void(lane, now);
}

void Uplink::settle(Lane& lane, const Flight& flight, const Answer& answer, Instant now) {
  const Place& place = flight.place;
  Drain& drain = drains_[place.stream];
  Consumer& consumer = drain.source.consumer;
  const bool is_alone = !lane.brain.is_batched() || lane.request_events == 1;
  audit_answer(lane, answer, now);
  switch (answer.meaning) {
    case AnswerClass::acknowledged:
      ++current_.acknowledged;
      if (answer.is_duplicate) ++current_.duplicates;
      record(current_.answer_times, now - flight.sent_at);
      lane.latency.answered(now - flight.sent_at);
      suspects_.acknowledged(place);
      hangups_.acknowledged(place);
      note_status(drain, consumer.acknowledge(place.sequence));
      break;
    case AnswerClass::link_down:  // The brain leaves the link, or keeps the pause.
    case AnswerClass::slow_down:
    case AnswerClass::credentials:
      release(place, now);
      break;
    case AnswerClass::configuration:
      if (lane.brain.is_batched()) {
        note_status(drain, consumer.release(place.sequence));
      } else {
        refuse(lane, place, answer, now);
      }
      break;
    case AnswerClass::too_large:
    case AnswerClass::suspect:
    case AnswerClass::conflict:
      if (is_alone) {
        refuse(lane, place, answer, now);
        break;
      }
      // One of them is meant, or all together: smaller requests will tell. No try is counted.
      if (!std::exchange(lane.is_request_refused, true)) lane.batch.refused(lane.request_events);
      note_status(drain, consumer.release(place.sequence));
      break;
  }
  if (lane.brain.is_batched() && lane.brain.in_flight() == 0 && !lane.is_request_refused) {
    lane.batch.taken(lane.request_events);
  }
}

// An event that the upstream has something against, and no other one.
void Uplink::refuse(Lane& lane, const Place& place, const Answer& answer, Instant now) {
  ++current_.refused;
  note_problem(&lane, refusal_, "event refused: " + answer.reason);
  Drain& drain = drains_[place.stream];
  Consumer& consumer = drain.source.consumer;
  if (answer.meaning == AnswerClass::too_large || answer.meaning == AnswerClass::conflict) {
    suspects_.forget(place);  // It will be as large, and in the same place, the next time.
    const Status status = consumer.reject(place.sequence, to_string(answer.meaning), answer.reason);
    return note_status(drain, status);
  }
  const unsigned tries = consumer.attempts(place.sequence) + 1;
  const bool is_last = options_.max_deliver > 0 && tries >= options_.max_deliver;
  if (suspects_.refused(place, is_last, has_others(now))) {
    if (is_last) suspects_.forget(place);
    note_status(drain, consumer.nack(place.sequence, answer.reason));
  } else {
    const Duration delay =
        backoff_delay(options_.retry, suspects_.uncounted(place), *platform_.random);
    note_status(drain, consumer.release(place.sequence, delay));
  }
  if (suspects_.is_upstream_suspected()) lane.brain.hold_back(now);
  lane.batch.isolated();
}

// Events that may show whether others pass. Those of the same key as a refused one are none.
bool Uplink::has_others(Instant now) const {
  return in_flight() > 0 || std::any_of(drains_.begin(), drains_.end(), [now](const Drain& drain) {
           return drain.source.consumer.next_due() <= now;
         });
}

// What was sent and will not be answered is read and sent again, in order, with the same ids.
void Uplink::release_void(Lane& lane, Instant now) {
  const std::vector<Place> places = lane.brain.take_void();
  if (places.empty()) return;
  end_row(lane, now);
  audit(lane, {.what = "send",
               .outcome = std::string(to_string(AnswerClass::link_down)),
               .detail = "not answered",
               .events = places.size()});
  for (const Place& place : places) {
    --lane.in_flight[drains_[place.stream].route];
    release(place, now);
  }
}

// A link that dies under events may do so because of one of them. Nobody there, a refusal by TLS or
// a request for time is no such death.
void Uplink::blame(Lane& lane, const Answer& why, Instant now) {
  const bool is_death = why.meaning == AnswerClass::link_down && !why.is_unreachable &&
                        !why.is_tls && !why.retry_after;
  if (!is_death || !lane.is_online() || lane.brain.in_flight() == 0) return;
  if (hangups_.lost(lane.brain.unanswered())) lane.brain.vouched(now);
}

// Gives back what did not arrive. When the link has died at it too often, it is a dead letter.
void Uplink::release(const Place& place, Instant now) {
  // Others are sent meanwhile.
  constexpr Duration kSoon = std::chrono::milliseconds(5);
  Drain& drain = drains_[place.stream];
  Consumer& consumer = drain.source.consumer;
  const unsigned* const guilt = hangups_.guilt(place);
  if (guilt == nullptr) return note_status(drain, consumer.release(place.sequence));
  if (options_.max_deliver > 0 && *guilt >= options_.max_deliver) {
    ++current_.refused;
    hangups_.forget(place);
    const Status status =
        consumer.reject(place.sequence, "max_deliver", "the link dies whenever it is sent");
    return note_status(drain, status);
  }
  const bool is_soon = *guilt < Hangups::kSoon || hangups_.is_ready(place);
  const Duration delay = is_soon ? kSoon : backoff_delay(options_.retry, *guilt, *platform_.random);
  if (is_soon) culprit_due_ = now + kSoon;
  note_status(drain, consumer.release(place.sequence, delay));
}

void Uplink::note_status(Drain& drain, const Status& status) {
  if (!status.is_ok()) note_problem(nullptr, drain.problem, status.message());
}

Status Uplink::on_received(Lane& lane, std::span<Received> received) {
  if (!hooks_.receive) return {Code::unsupported, "this uplink takes no events from upstream"};
  const Instant begun = platform_.clock->now();
  has_news_ = true;
  const Result<InboxCount> taken = hooks_.receive(lane.address, received);
  audit(lane, {.what = "receive",
               .outcome = taken ? "ok" : std::string(to_string(taken.status().code())),
               .detail = taken ? std::string() : taken.status().message(),
               .events = received.size(),
               .took = platform_.clock->now() - begun});
  if (!taken) return taken.status();
  current_.received += taken->stored;
  current_.received_again += taken->again;
  current_.received_refused += taken->refused;
  return {};
}

}  // namespace edgepost
