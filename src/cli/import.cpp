#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <utility>

#include "base/topic.hpp"
#include "cli/command.hpp"
#include "cli/lines.hpp"
#include "cli/open.hpp"
#include "cli/output.hpp"
#include "cli/progress.hpp"
#include "edgepost/gateway.hpp"
#include "wire/parse.hpp"

namespace edgepost::cli {
namespace {

// Whatever another gateway may have stored.
constexpr EventLimits kLimits{.data_bytes_max = 64U << 20U};

constexpr std::array kImportOptions{
    kDatabase,
    Option{"stream", Takes::text, "STREAM", "", "Store all in this one, whatever the lines say"},
    Option{"batch", Takes::count, "N", "1000", "Events in one commit", false, nullptr, 1, 10'000},
    Option{"json", Takes::nothing, "", "", "Print the result as a JSON object"},
};

constexpr std::string_view kImportDetails =
    "Reads what `edgepost export` printed and stores it with the same ids and new\n"
    "sequences; a stream that is missing is created. An event that is in its stream\n"
    "already is skipped, also when it has left it, if it is among the newest 100,000\n"
    "that were imported into it: run an import again that was interrupted. The first bad\n"
    "line ends it with exit code 1: the lines before it are stored, it and those behind\n"
    "it are not.\n";

struct Tally {
  std::uint64_t imported = 0;
  std::uint64_t skipped = 0;
};

/// An event and where it belongs.
struct Line {
  std::string stream;
  Event event;
};

// Takes a member that is no attribute of an event out of those that are left over.
std::optional<std::string> take(Event& event, std::string_view name) {
  const auto found = std::ranges::find(event.attributes, name, &Attribute::name);
  if (found == event.attributes.end()) return {};
  std::string value = std::move(found->value);
  event.attributes.erase(found);
  return value;
}

Result<Line> parse_line(const std::string& text, const std::string& stream) {
  auto parsed = wire::parse_event(text);
  if (!parsed) return parsed.status();
  Line line{stream, std::move(*parsed)};
  line.event.sequence = 0;
  const auto named = take(line.event, "edgepost_stream");
  if (line.stream.empty()) line.stream = named.value_or("");
  if (line.stream.empty()) {
    return Status(Code::invalid_argument, "edgepost_stream: missing; or give --stream");
  }
  if (Status status = validate_name("edgepost_stream", line.stream); !status.is_ok()) return status;
  if (const auto delay = take(line.event, "delay_ms")) {
    const auto highest = std::chrono::duration_cast<std::chrono::milliseconds>(kLongest).count();
    const auto count = parse_count(*delay, 1, static_cast<std::uint64_t>(highest));
    if (!count) return Status(Code::invalid_argument, "delay_ms: " + count.status().message());
    line.event.not_before = std::chrono::milliseconds(static_cast<std::int64_t>(*count));
  }
  if (line.event.id.is_nil()) {
    return Status(Code::invalid_argument, "id: missing; `edgepost publish --jsonl` makes ids");
  }
  if (Status status = validate(line.event, kLimits); !status.is_ok()) return status;
  return line;
}

/// Stores lines, batch by batch.
class Importer {
 public:
  Importer(Gateway& gateway, std::size_t batch_max) : gateway_(gateway), batch_max_(batch_max) {}

  Status add(Line line) {
    if (Status status = know(line.stream); !status.is_ok()) return status;
    batch_bytes_ += line.event.data.size();
    batch_.push_back(std::move(line));
    if (batch_.size() < batch_max_ && batch_bytes_ < kBatchBytesMax) return {};
    return commit();
  }

  /// Stores what was added. Errors: as the gateway's; then nothing of it is stored.
  Status commit() {
    if (batch_.empty()) return {};
    Tally tally = tally_;
    const Status status = gateway_.transact([&](Transaction& transaction) -> Status {
      for (const Line& line : batch_) {
        const Result<bool> is_stored = store(transaction, line);
        if (!is_stored) return is_stored.status();
        ++(*is_stored ? tally.imported : tally.skipped);
      }
      return {};
    });
    if (!status.is_ok()) return status;
    tally_ = tally;
    batch_.clear();
    batch_bytes_ = 0;
    return {};
  }

  [[nodiscard]] const Tally& tally() const { return tally_; }

 private:
  // Claims cover what has left the stream, and lines that stand twice in the input.
  Result<bool> store(Transaction& transaction, const Line& line) {
    const auto& ids = streams_[line.stream];
    if (std::ranges::binary_search(ids, line.event.id)) return false;
    Result<bool> is_first = transaction.claim("import/" + line.stream, line.event.id.to_string());
    if (!is_first || !*is_first) return is_first;
    const auto receipt = transaction.publish_to(line.stream, line.event);
    if (!receipt) return receipt.status();
    return true;
  }

  // Makes sure that there is such a stream, and learns which events it has.
  Status know(const std::string& stream) {
    if (streams_.contains(stream)) return {};
    if (Status status = gateway_.create_stream({.name = stream}); !status.is_ok()) return status;
    std::vector<EventId> ids;
    Position next = Position::start();
    while (true) {
      const auto events = gateway_.read(stream, next, {.events = 1'000, .bytes = 1024 * 1024});
      if (!events) return events.status();
      if (events->empty()) break;
      for (const Event& event : *events)
        ids.push_back(event.id);
      next.sequence = events->back().sequence + 1;
    }
    std::ranges::sort(ids);
    streams_.emplace(stream, std::move(ids));
    return {};
  }

  Gateway& gateway_;
  std::size_t batch_max_;
  std::map<std::string, std::vector<EventId>> streams_;  // ids that were there at the beginning
  std::vector<Line> batch_;
  std::size_t batch_bytes_ = 0;
  Tally tally_;
};

Status import_lines(Importer& importer, const std::string& stream, Progress& progress) {
  LineReader reader(STDIN_FILENO, json_line_bytes_max(kLimits));
  const auto whole = input_bytes(STDIN_FILENO);
  std::string text;
  for (std::uint64_t number = 1;; ++number) {
    const auto met = reader.next(text, -1);
    if (met.is_ok() && *met == Met::end) return importer.commit();
    Result<Line> line = met.is_ok() ? parse_line(text, stream) : Result<Line>(met.status());
    if (!line) {
      if (Status status = importer.commit(); !status.is_ok()) return status;
      return at_line(number, line.status());
    }
    if (Status status = importer.add(std::move(*line)); !status.is_ok()) return status;
    Extent extent{.events = number};
    if (whole) extent.share = static_cast<double>(reader.bytes()) / static_cast<double>(*whole);
    progress.show(extent);
  }
}

Status import_all(const Options& options, Tally& tally) {
  auto gateway = open_as_owner({.database = options.text("db"), .limits = kLimits});
  if (!gateway) return gateway.status();
  Importer importer(**gateway, static_cast<std::size_t>(options.count("batch")));
  const Platform platform = default_platform();
  Progress progress(*platform.clock, STDERR_FILENO);
  Status status = import_lines(importer, options.text("stream"), progress);
  tally = importer.tally();
  return status;
}

int run_import(const Options& options) {
  if (options.has("stream")) {
    const Status status = validate_name("option --stream", options.text("stream"));
    if (!status.is_ok()) return refuse("import", status.message());
  }
  Tally tally;
  const Status status = import_all(options, tally);
  std::string line = "imported " + std::to_string(tally.imported) + " events, skipped " +
                     std::to_string(tally.skipped) + "\n";
  if (options.has("json")) {
    JsonObject result;
    line = result.add("imported", tally.imported).add("skipped", tally.skipped).text() + "\n";
  }
  if (status.is_ok() || options.has("json")) {
    if (const Status written = put(line); !written.is_ok()) return fail(written);
  }
  return status.is_ok() ? kSuccess : fail(status);
}

}  // namespace

const Command kImport{"import", "Store events that were exported", kImportDetails, kImportOptions,
                      run_import};

}  // namespace edgepost::cli
