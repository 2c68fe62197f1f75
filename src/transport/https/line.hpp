#pragma once

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "edgepost/platform.hpp"
#include "edgepost/tls.hpp"
#include "platform/platform.hpp"
#include "platform/wake_up.hpp"
#include "tls/channel.hpp"
#include "transport/https/client.hpp"
#include "transport/https/head_guard.hpp"
#include "transport/https/message.hpp"
#include "transport/https/url.hpp"

namespace edgepost::https {

/// How a request ended.
struct Ending {
  Reply reply{};         ///< Its status is 0 when there is no answer: then failure says why.
  Answer failure{};      ///< See reply.
  bool is_late = false;  ///< It was given up because nothing came for too long.
};

/// One HTTP connection to one server: the channel, which the caller polls, and a thread on which
/// the blocking client does one request at a time. Threads: one at a time.
class Line {
 public:
  struct Options {
    Url url{};
    std::shared_ptr<Tls> tls{};
    Duration connect_timeout = std::chrono::seconds(10);
    Duration response_timeout = std::chrono::seconds(20);  ///< While no byte moves.
    Duration total_timeout = std::chrono::seconds(30);     ///< From start() on.
    std::size_t response_bytes_max = 1024 * 1024;
  };

  /// Errors: io_error: no thread or descriptor to be had.
  static Result<std::unique_ptr<Line>> make(Options options, const Platform& platform);
  ~Line();
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  /// Connects to the server, ending what there is; channel() tells the outcome.
  void open(Instant now);
  /// Ends request and connection; of the request nothing more is heard.
  void close();

  /// Begins a request, on the connection that is there or on a new one. Requires: !is_busy().
  void start(Request request, Instant now);
  [[nodiscard]] bool is_busy() const { return is_busy_; }
  /// The end of the request, once.
  std::optional<Ending> take_ending();
  /// What has come of a stream since the last call.
  std::string take_pieces();

  void add_descriptors(std::vector<pollfd>& to) const;
  [[nodiscard]] Instant due() const;
  void step(Instant now);

  /// False while open() waits for the thread to leave an old request.
  [[nodiscard]] bool is_opening() const { return wants_open_; }
  [[nodiscard]] const tls::Channel& channel() const { return *channel_; }

 private:
  /// What both threads see.
  struct Shared {
    std::mutex mutex{};
    std::condition_variable has_room{};
    std::shared_ptr<const Request> job{};
    std::optional<Client::Outcome> outcome{};
    std::string pieces{};
    bool is_cancelled = false;
  };

  explicit Line(Options options) : options_(std::move(options)) {}
  Status set_up(const Platform& platform);
  void launch(Instant now);
  void work();
  bool keep_piece(std::string_view piece);
  void cancel();
  void take_outcome(Instant now);
  void finish(Ending ending);
  void give_up_late(Instant now);
  [[nodiscard]] Answer reason() const;

  const Options options_;
  const WakeUp wake_up_{};
  HeadGuard guard_{};
  Shared shared_{};

  std::shared_ptr<const Request> request_{};
  std::optional<Ending> ending_{};
  bool is_busy_ = false;     // The thread has a request.
  bool is_void_ = false;     // Nobody waits for it any more.
  bool wants_open_ = false;  // open() as soon as the thread is free.
  bool is_reused_ = false;   // The connection has carried an answer before.
  bool has_answered_ = false;
  Instant started_{};
  Instant last_moved_{};
  Traffic last_traffic_{};

  // In this order they end: the channel hangs up, the thread leaves the client, the client goes.
  std::unique_ptr<Client> client_{};
  std::unique_ptr<Worker> worker_{};
  std::unique_ptr<tls::Channel> channel_{};
};

}  // namespace edgepost::https
