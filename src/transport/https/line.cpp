#include "transport/https/line.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace edgepost::https {
namespace {

// So much of a stream waits to be taken; the rest waits at the server.
constexpr std::size_t kPiecesMax = 64 * 1024;

std::string in_seconds(Duration span) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(span).count()) + " s";
}

}  // namespace

Result<std::unique_ptr<Line>> Line::make(Options options, const Platform& platform) {
  std::unique_ptr<Line> line(new Line(std::move(options)));
  if (Status status = line->set_up(platform); !status.is_ok()) return status;
  return line;
}

Status Line::set_up(const Platform& platform) {
  if (!wake_up_.is_open()) {
    return {Code::io_error, "eventfd: " + std::generic_category().message(errno)};
  }
  tls::Channel::Options options;
  options.host = options_.url.host;
  options.port = options_.url.port;
  options.tls = options_.tls;
  options.connect_timeout = options_.connect_timeout;
  options.inspect = [this](std::span<const std::byte> bytes) { return guard_.take(bytes); };
  Result<std::unique_ptr<tls::Channel>> channel = tls::Channel::make(std::move(options), platform);
  if (!channel) return channel.status();
  channel_ = std::move(*channel);
  client_ = std::make_unique<Client>(channel_->path());
  Result<std::unique_ptr<Worker>> worker = Worker::start(
      *complete(platform).clock,
      [this](Instant) {
        work();
        return Instant::max();
      },
      "edgepost-http");
  if (!worker) return worker.status();
  worker_ = std::move(*worker);
  return {};
}

Line::~Line() {
  if (worker_ != nullptr) cancel();
  channel_.reset();
  worker_.reset();
}

void Line::open(Instant now) {
  close();
  wants_open_ = true;
  step(now);
}

void Line::close() {
  if (is_busy_) {
    is_void_ = true;
    cancel();
  }
  wants_open_ = false;
  ending_.reset();
  request_.reset();
  take_pieces();  // They must not be taken for the next request's.
  channel_->end();
}

void Line::start(Request request, Instant now) {
  EDGEPOST_ASSERT(!is_busy_ && !wants_open_);
  step(now);  // What has come meanwhile is no answer to it.
  client_->refuse_leftovers();
  request_ = std::make_shared<const Request>(std::move(request));
  is_reused_ = has_answered_ && channel_->state() == tls::Channel::State::open;
  ending_.reset();
  started_ = now;
  launch(now);
}

void Line::launch(Instant now) {
  guard_.reset();
  is_busy_ = true;
  is_void_ = false;
  last_moved_ = now;
  last_traffic_ = channel_->traffic();
  {
    const std::lock_guard lock(shared_.mutex);
    shared_.job = request_;
    shared_.outcome.reset();
    shared_.pieces.clear();
    shared_.is_cancelled = false;
  }
  worker_->wake();
}

/// On the thread.
void Line::work() {
  std::shared_ptr<const Request> job;
  {
    const std::lock_guard lock(shared_.mutex);
    job = std::exchange(shared_.job, nullptr);
  }
  if (job == nullptr) return;
  Client::Outcome outcome =
      client_->exchange(*job, options_.response_bytes_max,
                        [this](std::string_view piece) { return keep_piece(piece); });
  {
    const std::lock_guard lock(shared_.mutex);
    shared_.outcome = std::move(outcome);
  }
  wake_up_.set();
}

/// On the thread.
bool Line::keep_piece(std::string_view piece) {
  std::unique_lock lock(shared_.mutex);
  shared_.has_room.wait(
      lock, [this] { return shared_.is_cancelled || shared_.pieces.size() < kPiecesMax; });
  if (shared_.is_cancelled) return false;
  shared_.pieces.append(piece);
  wake_up_.set();
  return true;
}

void Line::cancel() {
  {
    const std::lock_guard lock(shared_.mutex);
    shared_.is_cancelled = true;
  }
  shared_.has_room.notify_all();
  client_->stop();
}

std::string Line::take_pieces() {
  std::string pieces;
  {
    const std::lock_guard lock(shared_.mutex);
    pieces.swap(shared_.pieces);
  }
  shared_.has_room.notify_all();
  return pieces;
}

std::optional<Ending> Line::take_ending() { return std::exchange(ending_, std::nullopt); }

void Line::add_descriptors(std::vector<pollfd>& to) const {
  to.push_back({wake_up_.descriptor(), POLLIN, 0});
  channel_->add_descriptors(to);
}

Instant Line::due() const {
  Instant due = channel_->due();
  if (!is_busy_ || is_void_) return due;
  due = std::min(due, last_moved_ + options_.response_timeout);
  return std::min(due, started_ + options_.total_timeout);
}

void Line::step(Instant now) {
  channel_->step(now);
  if (channel_->state() != tls::Channel::State::open) has_answered_ = false;
  if (wake_up_.take()) take_outcome(now);
  if (is_void_) {
    // The client may have been about to connect when it was told to stop.
    client_->stop();
    channel_->end();
  }
  if (wants_open_ && !is_busy_) {
    wants_open_ = false;
    channel_->begin(now);
    channel_->step(now);
  }
  if (is_busy_ && !is_void_) give_up_late(now);
}

void Line::take_outcome(Instant now) {
  std::optional<Client::Outcome> outcome;
  {
    const std::lock_guard lock(shared_.mutex);
    outcome = std::exchange(shared_.outcome, std::nullopt);
  }
  if (!outcome) return;
  is_busy_ = false;
  if (std::exchange(is_void_, false)) return;
  Ending ending{std::move(outcome->reply), {}, false};
  if (outcome->is_too_long) {
    ending.failure = {
        AnswerClass::link_down,
        "the answer is longer than " + std::to_string(options_.response_bytes_max) + " bytes",
        {}};
    ending.reply = {};
  } else if (ending.reply.status == 0) {
    // Kept alive by us, the connection was about to be closed by the server: that says nothing
    // about the request, which gets a connection of its own.
    if (std::exchange(is_reused_, false)) return launch(now);
    ending.failure = reason();
  } else if (channel_->state() == tls::Channel::State::failed) {
    // A body that goes on until the connection ends is whole only when that end was an orderly one.
    const bool has_length = !ending.reply.header("Content-Length").empty() ||
                            !ending.reply.header("Transfer-Encoding").empty();
    ending.reply.is_whole = ending.reply.is_whole && has_length;
  }
  has_answered_ = ending.reply.status != 0;
  finish(std::move(ending));
}

void Line::finish(Ending ending) {
  ending_ = std::move(ending);
  request_.reset();
}

Answer Line::reason() const {
  if (channel_->state() == tls::Channel::State::failed) return channel_->failure();
  return {AnswerClass::link_down, "no HTTP answer before the connection ended", {}};
}

void Line::give_up_late(Instant now) {
  using State = tls::Channel::State;
  const State state = channel_->state();
  // Connecting has a time limit of its own.
  const bool is_connecting = state == State::connecting || state == State::handshaking;
  const Traffic traffic = channel_->traffic();
  if (is_connecting || !(traffic == last_traffic_)) {
    last_traffic_ = traffic;
    last_moved_ = now;
  }
  const bool is_silent = now >= last_moved_ + options_.response_timeout;
  if (!is_silent && now < started_ + options_.total_timeout) return;
  Ending ending;
  ending.is_late = true;
  ending.failure = {AnswerClass::link_down,
                    is_silent ? "no byte of an answer for " + in_seconds(options_.response_timeout)
                              : "no whole answer within " + in_seconds(options_.total_timeout),
                    {}};
  is_void_ = true;
  cancel();
  channel_->end();
  finish(std::move(ending));
}

}  // namespace edgepost::https
