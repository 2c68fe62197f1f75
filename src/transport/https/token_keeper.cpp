#include "transport/https/token_keeper.hpp"

#include <algorithm>
#include <utility>

namespace edgepost::https {
namespace {

constexpr std::size_t kAnswerBytesMax = 64 * 1024;

}  // namespace

Traffic operator+(const Traffic& a, const Traffic& b) {
  return {a.sent + b.sent, a.received + b.received, a.progress + b.progress};
}

TokenKeeper::TokenKeeper(const OAuth2Auth& options, std::shared_ptr<Tls> tls,
                         const Platform& platform)
    : options_(options), tls_(std::move(tls)), platform_(complete(platform)) {}

bool TokenKeeper::is_good(Instant now) {
  const bool is_there = !token_.value.empty() && now < expires_at_;
  if (line_ == nullptr && (!is_there || now >= refresh_at_)) fetch(now);
  return is_there && line_ == nullptr;
}

void TokenKeeper::fetch(Instant now) {
  began_ = now;
  failure_.reset();
  Result<std::string> secret = read_secret(options_.client_secret);
  if (!secret) {
    return finish(now, {{}, {AnswerClass::link_down, "token: " + secret.status().message(), {}}});
  }
  const Url url = parse_url("auth.token_url", options_.token_url).value();
  Line::Options options;
  options.url = url;
  options.tls = url.is_tls ? tls_ : nullptr;
  options.response_bytes_max = kAnswerBytesMax;
  Result<std::unique_ptr<Line>> line = Line::make(std::move(options), platform_);
  if (!line) {
    return finish(now, {{}, {AnswerClass::link_down, "token: " + line.status().message(), {}}});
  }
  line_ = std::move(*line);
  Request request = token_request(options_, *secret);
  request.target = url.target();
  request.headers.push_back({"Host", url.authority()});
  line_->start(std::move(request), now);
}

void TokenKeeper::step(Instant now) {
  if (line_ == nullptr) return;
  line_->step(now);
  std::optional<Ending> ending = line_->take_ending();
  if (!ending) return;
  if (ending->reply.status != 0) {
    return finish(now, read_token_reply(ending->reply, platform_.clock->wall()));
  }
  ending->failure.reason = "token: " + ending->failure.reason;
  finish(now, {{}, std::move(ending->failure)});
}

void TokenKeeper::finish(Instant now, TokenReply reply) {
  call_ = Call{"token", true, now - began_, {}};
  if (reply.failure.meaning == AnswerClass::acknowledged) {
    token_ = std::move(reply.token);
    refresh_at_ = now + token_.good_for / 5 * 4;
    expires_at_ = now + token_.good_for;
  } else {
    call_->is_ok = false;
    call_->detail = reply.failure.reason;
    const bool is_good_still = !token_.value.empty() && now < expires_at_;
    if (is_good_still) refresh_at_ = now + (expires_at_ - now) / 2;
    if (!is_good_still) failure_ = std::move(reply.failure);
  }
  cancel();
}

void TokenKeeper::cancel() {
  if (line_ == nullptr) return;
  past_ = past_ + line_->channel().traffic();
  line_.reset();
  past_.progress = past_.sent;  // What was still on its way is given up.
}

void TokenKeeper::add_descriptors(std::vector<pollfd>& to) const {
  if (line_ != nullptr) line_->add_descriptors(to);
}

Instant TokenKeeper::due() const {
  if (call_ || failure_) return Instant::min();
  return line_ == nullptr ? Instant::max() : line_->due();
}

Traffic TokenKeeper::traffic() const {
  return line_ == nullptr ? past_ : past_ + line_->channel().traffic();
}

}  // namespace edgepost::https
