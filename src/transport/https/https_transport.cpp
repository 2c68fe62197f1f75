#include "transport/https/https_transport.hpp"

#include <poll.h>

#include <algorithm>
#include <utility>

#include "transport/https/encode.hpp"
#include "transport/https/gzip.hpp"

namespace edgepost::https {
namespace {

// Longer than any wait of ours; keeps the arithmetic on `timespec` free of overflow.
constexpr Duration kLongestWait = std::chrono::hours(1);

std::string user_agent(const std::string& device_id) {
  const std::string name = std::string("edgepost/") + EDGEPOST_VERSION;
  return device_id.empty() ? name : name + " (" + device_id + ")";
}

}  // namespace

HttpsTransport::HttpsTransport(Parts parts)
    : options_(std::move(parts.options)),
      platform_(parts.platform),
      url_(std::move(parts.url)),
      template_(std::move(parts.request)),
      user_agent_(user_agent(options_.device_id)),
      authenticator_(options_.auth),
      line_(std::move(parts.line)),
      probe_(url_.host, url_.port) {
  if (const OAuth2Auth* oauth2 = authenticator_.oauth2()) {
    token_keeper_ = std::make_unique<TokenKeeper>(
        *oauth2, oauth2->tls == nullptr ? options_.tls : oauth2->tls, platform_);
  }
  if (parts.inbound_line != nullptr) {
    inbound_ = std::make_unique<Inbound>(
        options_.inbound, std::move(parts.inbound_url), std::move(parts.inbound_line),
        options_.response_bytes_max, *platform_.clock, [this](Request& request) {
          dress(request);
          renew_token(platform_.clock->now());
          authenticator_.sign(request, {}, platform_.clock->wall());
        });
  }
}

Status HttpsTransport::connect() {
  disconnect();
  const Instant now = platform_.clock->now();
  if (const Status read = authenticator_.refresh(); !read.is_ok()) {
    // Nobody has refused anything: the file may be there in a moment.
    lose({AnswerClass::link_down, read.message(), {}});
    return {};
  }
  state_ = State::authorizing;
  authorize(now);
  return {};
}

/// Returns whether a request may go out now. What is there is used until another one comes.
bool HttpsTransport::renew_token(Instant now) {
  if (token_keeper_ == nullptr) return true;
  const bool is_good = token_keeper_->is_good(now);
  authenticator_.set_token(token_keeper_->value());
  return is_good;
}

void HttpsTransport::authorize(Instant now) {
  if (!renew_token(now)) return;
  state_ = State::opening;
  line_->open(now);
}

void HttpsTransport::disconnect() {
  probe_.cancel();
  line_->close();
  if (token_keeper_ != nullptr) token_keeper_->cancel();
  if (inbound_ != nullptr) inbound_->stop();
  pending_.reset();
  news_.clear();
  state_ = State::closed;
}

void HttpsTransport::lose(Answer why) {
  const std::deque<News> told = std::exchange(news_, {});
  disconnect();
  news_ = told;
  why.reason = address() + ": " + why.reason;
  news_.emplace_back(Disconnected{std::move(why)});
}

PeerLimits HttpsTransport::limits() const {
  const bool is_batch = !template_ && options_.mode == HttpsMode::batch;
  PeerLimits limits;
  limits.batch_events_max = is_batch ? options_.batch_events_max : 1;
  limits.in_flight_max = limits.batch_events_max;
  limits.message_bytes_max = options_.request_bytes_max;
  return limits;
}

std::string HttpsTransport::target(const std::string& added) const {
  std::string target = url_.path;
  if (added.starts_with('/') && target.ends_with('/')) target.pop_back();
  target += added;
  if (url_.query.empty()) return target;
  return target + (target.find('?') == std::string::npos ? "?" : "&") + url_.query;
}

/// What every request has.
void HttpsTransport::dress(Request& request) {
  request.headers.push_back({"User-Agent", user_agent_});
  request.headers.insert(request.headers.end(), options_.headers.begin(), options_.headers.end());
}

void HttpsTransport::compress(Request& request) const {
  constexpr std::size_t kWorthwhile = 512;
  if (!options_.gzip || request.body.size() <= kWorthwhile) return;
  std::string packed = gzip(request.body);
  if (packed.size() >= request.body.size()) return;
  request.body = std::move(packed);
  request.headers.push_back({"Content-Encoding", "gzip"});
}

Status HttpsTransport::send(std::span<const Outbound> events) {
  if (state_ != State::online) return {Code::unavailable, address() + ": not connected"};
  EDGEPOST_ASSERT(!pending_ && !events.empty() && events.size() <= limits().batch_events_max);
  std::vector<const Event*> chosen;
  Pending pending;
  for (const Outbound& outbound : events) {
    chosen.push_back(outbound.event);
    pending.tokens.push_back(outbound.token);
    pending.expected.ids.push_back(outbound.event->id.to_string());
  }
  pending.request = template_ ? template_->expand(*chosen.front()) : encode(chosen, options_.mode);
  pending.request.target = target(pending.request.target);
  pending.key = idempotency_key(chosen);
  if (template_) pending.expected.response_field = options_.request->response_field;
  pending_ = std::move(pending);
  if (const std::size_t size = pending_->request.body.size(); size > options_.request_bytes_max) {
    answer_all({AnswerClass::too_large,
                std::to_string(size) + " bytes, request_bytes_max is " +
                    std::to_string(options_.request_bytes_max),
                {}});
    return {};
  }
  compress(pending_->request);
  dress(pending_->request);
  pending_->request.headers.push_back({"Host", url_.authority()});
  pending_->request.headers.push_back({"Idempotency-Key", pending_->key});
  step_pending(platform_.clock->now());
  return {};
}

void HttpsTransport::answer_all(const Answer& answer) {
  for (const std::uint64_t token : pending_->tokens)
    news_.emplace_back(Answered{token, answer});
  pending_.reset();
}

void HttpsTransport::step(Instant now) {
  step_token(now);
  line_->step(now);
  if (state_ == State::opening) step_opening();
  if (state_ == State::online && pending_) step_pending(now);
  if (inbound_ != nullptr) inbound_->step(now);
  if (const std::optional<bool> probed = probe_.step(now)) news_.emplace_back(Probed{*probed});
}

void HttpsTransport::step_token(Instant now) {
  if (token_keeper_ == nullptr) return;
  token_keeper_->step(now);
  if (std::optional<Call> call = token_keeper_->take_call()) news_.emplace_back(std::move(*call));
  if (std::optional<Answer> failure = token_keeper_->take_failure()) return lose(*failure);
  if (state_ == State::authorizing) authorize(now);
}

void HttpsTransport::step_opening() {
  if (line_->is_opening()) return;
  const tls::Channel& channel = line_->channel();
  if (channel.state() == tls::Channel::State::failed) return lose(channel.failure());
  if (channel.state() != tls::Channel::State::open) return;
  state_ = State::online;
  news_.emplace_back(limits());
  if (inbound_ != nullptr) inbound_->start(platform_.clock->now());
}

void HttpsTransport::step_pending(Instant now) {
  if (!pending_->has_begun) {
    if (!renew_token(now)) return;
    pending_->has_begun = true;
    pending_->began = now;
    authenticator_.sign(pending_->request, pending_->key, platform_.clock->wall());
    line_->start(std::move(pending_->request), now);
  }
  if (std::optional<Ending> ending = line_->take_ending()) conclude(std::move(*ending), now);
}

void HttpsTransport::conclude(Ending ending, Instant now) {
  if (ending.reply.status == 0) return lose(std::move(ending.failure));
  Judgement judgement = judge(ending.reply, pending_->expected, platform_.clock->wall());
  for (Answer& answer : judgement.answers)
    authenticator_.conceal(answer.reason);
  authenticator_.conceal(judgement.remote_id);
  doubt_token(judgement.answers.front());
  if (!judgement.remote_id.empty()) {
    news_.emplace_back(Call{"request", true, now - pending_->began,
                            options_.request->response_field + ": " + judgement.remote_id});
  }
  for (std::size_t i = 0; i < pending_->tokens.size(); ++i) {
    news_.emplace_back(Answered{pending_->tokens[i], judgement.answers[i]});
  }
  pending_.reset();
}

/// A token that was refused is not tried again.
void HttpsTransport::doubt_token(const Answer& answer) {
  if (token_keeper_ != nullptr && answer.meaning == AnswerClass::credentials) {
    token_keeper_->forget();
  }
}

bool HttpsTransport::has_news() const {
  return !news_.empty() || (inbound_ != nullptr && inbound_->has_news());
}

void HttpsTransport::poll(Duration wait, TransportSink& sink) {
  const Instant begin = platform_.clock->now();
  step(begin);
  for (Instant now = begin; !has_news() && !wake_up_.take();) {
    const Duration left = std::min(wait, kLongestWait) - (now - begin);
    if (left <= Duration::zero()) break;
    wait_for(left);
    now = platform_.clock->now();
    step(now);
  }
  tell(sink);
}

void HttpsTransport::wait_for(Duration wait) {
  descriptors_.assign({{wake_up_.descriptor(), POLLIN, 0}});
  line_->add_descriptors(descriptors_);
  probe_.add_descriptors(descriptors_);
  Instant due = std::min(line_->due(), probe_.due());
  if (token_keeper_ != nullptr) {
    token_keeper_->add_descriptors(descriptors_);
    due = std::min(due, token_keeper_->due());
  }
  if (inbound_ != nullptr) {
    inbound_->add_descriptors(descriptors_);
    due = std::min(due, inbound_->due());
  }
  const Instant now = platform_.clock->now();
  if (due <= now) return;
  wait = std::min(wait, due - now);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(wait);
  timespec timeout{};
  timeout.tv_sec = static_cast<time_t>(seconds.count());
  timeout.tv_nsec = static_cast<long>(std::chrono::nanoseconds(wait - seconds).count());
  ppoll(descriptors_.data(), descriptors_.size(), &timeout, nullptr);
}

void HttpsTransport::tell(TransportSink& sink) {
  if (inbound_ != nullptr && state_ == State::online) {
    std::optional<Answer> failure = inbound_->deliver(platform_.clock->now(), sink);
    if (failure) {
      doubt_token(*failure);
      lose(std::move(*failure));
    }
  }
  while (!news_.empty()) {
    const News next = std::move(news_.front());
    news_.pop_front();
    if (const auto* limits = std::get_if<PeerLimits>(&next)) sink.on_connected(*limits);
    if (const auto* answered = std::get_if<Answered>(&next)) {
      sink.on_answer(answered->token, answered->answer);
    }
    if (const auto* end = std::get_if<Disconnected>(&next)) sink.on_disconnected(end->why);
    if (const auto* probed = std::get_if<Probed>(&next)) sink.on_probed(probed->is_reachable);
    if (const auto* call = std::get_if<Call>(&next)) sink.on_call(*call);
  }
}

Traffic HttpsTransport::traffic() const {
  Traffic total = line_->channel().traffic();
  if (token_keeper_ != nullptr) total = total + token_keeper_->traffic();
  if (inbound_ != nullptr) total = total + inbound_->traffic();
  return total;
}

}  // namespace edgepost::https
