#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/topic.hpp"
#include "cli/command.hpp"
#include "cli/lines.hpp"
#include "cli/open.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "cli/text_file.hpp"
#include "edgepost/gateway.hpp"
#include "wire/parse.hpp"

namespace edgepost::cli {
namespace {

constexpr std::string_view kDefaultStream = "outbox";
constexpr int kPauseMs = 20;  // a writer that is silent for so long pauses

constexpr std::array kPublishOptions{
    kDatabase,
    Option{"topic", Takes::text, "TOPIC", "", "Topic of every event; needed without --jsonl"},
    Option{"key", Takes::text, "KEY", "", "Events of one key stay in order"},
    Option{"type", Takes::text, "TYPE", "", "CloudEvents type (else edgepost.event)"},
    Option{"source", Takes::text, "URI", "", "CloudEvents source (else the gateway's own)"},
    Option{"content-type", Takes::text, "TYPE", "", "Media type of the data"},
    Option{"ttl", Takes::duration, "DURATION", "", "Time to live: 500ms, 30s, 5m, 1h or 2d"},
    Option{"not-before", Takes::duration, "DURATION", "", "Deliver so long after it was stored"},
    Option{"stream", Takes::text, "STREAM", kDefaultStream, "Stream to store in"},
    Option{"create-stream", Takes::nothing, "", "", "Create the stream when it is missing"},
    Option{"durability", Takes::choice, "stored|buffered", "stored",
           "Wait for the disk at each commit, or at pauses"},
    Option{"batch", Takes::count, "N", "100", "Events in one commit", false, nullptr, 1, 10'000},
    Option{"jsonl", Takes::nothing, "", "", "Each line is an event as a JSON object"},
    Option{"file", Takes::text, "FILE", "", "Publish this file as one event instead"},
    Option{"json", Takes::nothing, "", "", "Print the result as a JSON object"},
    Option{"progress-lines", Takes::nothing, "", "", "Print {\"last\":SEQ} after each commit"},
};

constexpr std::string_view kPublishDetails =
    "Each line of standard input is the data of one event, an empty line too. With\n"
    "--jsonl a line is an object with topic, key, type, data, ttl_ms, not_before_ms\n"
    "and any other CloudEvents attribute; the options stand in for what it leaves\n"
    "out. Lines are stored in commits of --batch lines, and when the input pauses for\n"
    "20 ms. The first bad line ends it with exit code 1: the lines before it are\n"
    "stored, it and those behind it are not.\n";

/// What publishing came to.
struct Published {
  std::uint64_t published = 0;
  std::optional<std::uint64_t> first;
  std::optional<std::uint64_t> last;
};

/// Checks an event as far as that needs no gateway.
Status check(const Event& event) {
  if (event.topic.starts_with('$')) {
    return {Code::invalid_argument,
            "topic: byte 0 ('$') of '" + event.topic + "': such topics are the broker's own"};
  }
  return validate(event, EventLimits());
}

/// Collects events and stores them batch by batch.
class Publisher {
 public:
  Publisher(Gateway& gateway, const Options& options)
      : gateway_(gateway),
        stream_(options.text("stream")),
        batch_max_(static_cast<std::size_t>(options.count("batch"))),
        is_buffered_(options.text("durability") == "buffered"),
        has_progress_lines_(options.has("progress-lines")),
        next_sequence_(next_sequence()) {}

  Status add(Event event) {
    batch_bytes_ += event.data.size();
    batch_.push_back(std::move(event));
    if (batch_.size() < batch_max_ && batch_bytes_ < kBatchBytesMax) return {};
    return commit(!is_buffered_);
  }

  /// Stores what was added and reports it; events that need not be `durable` may stay in memory.
  /// Errors: as the gateway's. When an event itself is at fault, its line is named, and those
  /// before it are stored and reported.
  Status commit(bool durable) {
    fault_ = {};
    Status status = is_buffered_ ? buffer() : store();
    if (!status.is_ok()) return status;
    batch_.clear();
    batch_bytes_ = 0;
    const bool is_due = durable || !fault_.is_ok();
    if (is_due && is_buffered_) status = gateway_.flush();
    if (is_due && status.is_ok()) status = report();
    return status.is_ok() ? fault_ : status;
  }

  [[nodiscard]] bool is_idle() const { return batch_.empty() && reported_ == taken_; }
  [[nodiscard]] const Published& tally() const { return tally_; }

 private:
  Status store() {
    std::size_t count = batch_.size();
    while (count > 0) {
      std::size_t done = 0;
      const Status status = gateway_.transact([&](Transaction& transaction) -> Status {
        for (; done < count; ++done) {
          const auto receipt = transaction.publish(batch_[done]);
          if (!receipt) return receipt.status();
        }
        return {};
      });
      if (status.is_ok()) break;
      if (done == count || !blame(done, status)) return status;
      count = done;  // all was rolled back: once more, up to the one at fault
    }
    taken_ += count;
    return {};
  }

  Status buffer() {
    for (Event& event : batch_) {
      const auto receipt = gateway_.publish(std::move(event), Durability::buffered);
      if (!receipt) return blame(0, receipt.status()) ? Status() : receipt.status();
      ++taken_;
    }
    return {};
  }

  /// Notes that the event `ahead` of those taken failed. False when it is not to blame: a disk or a
  /// quota is. Every line becomes one event, so that the count tells the line.
  bool blame(std::size_t ahead, const Status& status) {
    if (status.code() != Code::invalid_argument && status.code() != Code::not_found) return false;
    fault_ = at_line(taken_ + ahead + 1, status);
    return true;
  }

  // This process owns the database and publishes on one thread: the sequences between two looks
  // are those of its own events.
  Status report() {
    if (reported_ == taken_) return {};
    if (!tally_.first) tally_.first = next_sequence_;
    next_sequence_ += taken_ - reported_;
    reported_ = taken_;
    tally_.published = taken_;
    tally_.last = next_sequence_ - 1;
    if (!has_progress_lines_) return {};
    return put(JsonObject().add("last", tally_.last).text() + "\n");
  }

  [[nodiscard]] std::uint64_t next_sequence() const {
    const GatewayStatus status = gateway_.status();
    const auto stream = std::ranges::find(status.streams, stream_, &StreamStatus::name);
    return stream == status.streams.end() ? 1 : stream->next_sequence;
  }

  Gateway& gateway_;
  std::string stream_;
  std::size_t batch_max_;
  bool is_buffered_;
  bool has_progress_lines_;
  std::uint64_t next_sequence_;
  std::vector<Event> batch_;
  std::size_t batch_bytes_ = 0;
  Status fault_;                // of an event of the last commit
  std::uint64_t taken_ = 0;     // given to the gateway
  std::uint64_t reported_ = 0;  // of those, stored and told
  Published tally_;
};

/// What every event gets unless its line says otherwise.
Event make_template(const Options& options) {
  Event event;
  event.topic = options.text("topic");
  event.key = options.text("key");
  event.type = options.text("type");
  event.source = options.text("source");
  event.content_type = options.text("content-type");
  if (options.has("ttl")) event.expires_after = options.duration("ttl");
  if (options.has("not-before")) event.not_before = options.duration("not-before");
  return event;
}

Result<Event> read_event(const std::string& line, const Event& standard, bool is_json) {
  Event event = standard;
  if (is_json) {
    auto parsed = wire::parse_event(line);
    if (!parsed) return parsed.status();
    event = std::move(*parsed);
    if (event.key.empty()) event.key = standard.key;
    if (event.type.empty()) event.type = standard.type;
    if (event.source.empty()) event.source = standard.source;
    if (event.content_type.empty()) event.content_type = standard.content_type;
    if (!event.expires_after) event.expires_after = standard.expires_after;
    if (!event.not_before) event.not_before = standard.not_before;
    event.sequence = 0;
  } else {
    event.data = line;
  }
  if (Status status = check(event); !status.is_ok()) return status;
  return event;
}

Status publish_lines(Publisher& publisher, const Event& standard, bool is_json,
                     Progress& progress) {
  LineReader reader(STDIN_FILENO, is_json ? json_line_bytes_max({}) : EventLimits().data_bytes_max);
  const auto whole = input_bytes(STDIN_FILENO);
  std::string line;
  for (std::uint64_t number = 1;; ++number) {
    auto met = reader.next(line, publisher.is_idle() ? -1 : kPauseMs);
    while (met.is_ok() && *met == Met::pause) {
      if (Status status = publisher.commit(true); !status.is_ok()) return status;
      met = reader.next(line, -1);
    }
    if (met.is_ok() && *met == Met::end) return publisher.commit(true);
    auto event = met.is_ok() ? read_event(line, standard, is_json) : Result<Event>(met.status());
    if (!event) {
      if (Status status = publisher.commit(true); !status.is_ok()) return status;
      return at_line(number, event.status());
    }
    if (Status status = publisher.add(std::move(*event)); !status.is_ok()) return status;
    Extent extent{.events = number};
    if (whole) extent.share = static_cast<double>(reader.bytes()) / static_cast<double>(*whole);
    progress.show(extent);
  }
}

/// Makes the whole file the data of `event`.
Status take_file(const std::string& path, Event& event) {
  auto data = read_file(path, EventLimits().data_bytes_max);
  if (!data) return data.status();
  event.data = std::move(*data);
  const Status status = check(event);
  return status.is_ok() ? status : Status(status.code(), path + ": " + status.message());
}

Status publish_event(Publisher& publisher, const Event& event) {
  const Status status = publisher.add(event);
  return status.is_ok() ? publisher.commit(true) : status;
}

/// Makes the stream ready and lets every event into it.
Status prepare_stream(Gateway& gateway, const Options& options) {
  const std::string stream = options.text("stream");
  if (options.has("create-stream") || stream == kDefaultStream) {
    if (Status status = gateway.create_stream({.name = stream}); !status.is_ok()) return status;
  }
  Status status = gateway.route("#", stream);
  if (status.code() == Code::not_found) {
    return {Code::not_found, "unknown stream '" + stream + "'; --create-stream makes it"};
  }
  return status;
}

Status publish_all(const Options& options, const Event& standard, Published& tally) {
  const std::string path = options.text("db");
  const bool makes_stream =
      options.has("create-stream") || options.text("stream") == kDefaultStream;
  if (!makes_stream && access(path.c_str(), F_OK) != 0) {
    return {Code::not_found,
            "unknown stream '" + options.text("stream") + "': there is no " + path};
  }
  auto gateway = open_as_owner({.database = path});
  if (!gateway) return gateway.status();
  Status status = prepare_stream(**gateway, options);
  if (!status.is_ok()) return status;
  Publisher publisher(**gateway, options);
  const Platform platform = default_platform();
  // The lines of --progress-lines are progress enough, perhaps on the same terminal.
  Progress progress(*platform.clock, options.has("progress-lines") ? -1 : STDERR_FILENO);
  status = options.has("file") ? publish_event(publisher, standard)
                               : publish_lines(publisher, standard, options.has("jsonl"), progress);
  tally = publisher.tally();
  return status;
}

int run_publish(const Options& options) {
  const bool is_json = options.has("jsonl");
  for (const std::string_view name : {"topic", "file"}) {
    if (!is_json || !options.has(name)) continue;
    return refuse("publish", "option --" + std::string(name) + ": not with --jsonl");
  }
  if (!is_json && !options.has("topic")) return refuse("publish", "option --topic: it is missing");
  // All that can be checked is checked before the database is touched.
  Status status = validate_name("option --stream", options.text("stream"));
  Event standard = make_template(options);
  if (is_json) standard.topic = "in/each/line";
  if (status.is_ok()) status = check(standard);
  if (!status.is_ok()) return refuse("publish", status.message());
  if (options.has("file")) status = take_file(options.text("file"), standard);
  if (!status.is_ok()) return fail(status);
  Published tally;
  status = publish_all(options, standard, tally);
  if (options.has("json")) {
    JsonObject result;
    result.add("published", tally.published).add("first", tally.first).add("last", tally.last);
    if (const Status written = put(result.text() + "\n"); !written.is_ok()) return fail(written);
  } else if (status.is_ok() && !options.has("progress-lines")) {
    std::string line = "published " + std::to_string(tally.published) + " events";
    if (tally.last) {
      line += ", sequences " + std::to_string(*tally.first) + " to " + std::to_string(*tally.last);
    }
    if (const Status written = put(line + "\n"); !written.is_ok()) return fail(written);
  }
  return status.is_ok() ? kSuccess : fail(status);
}

}  // namespace

const Command kPublish{"publish", "Store events read from standard input", kPublishDetails,
                       kPublishOptions, run_publish};

}  // namespace edgepost::cli
