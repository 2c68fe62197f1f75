#include <algorithm>
#include <array>
#include <limits>

#include "cli/command.hpp"
#include "cli/output.hpp"
#include "edgepost/gateway.hpp"
#include "wire/cloudevents.hpp"

namespace edgepost::cli {
namespace {

constexpr std::array kDeadOptions{
    Option{"list|show|requeue|purge [SEQ...]", Takes::words, "", "",
           "What to do, and with which sequences only"},
    kDatabase,
    Option{"stream", Takes::text, "STREAM", "", "Only those of this stream"},
    Option{"consumer", Takes::text, "CONSUMER", "", "Only those of this consumer"},
    Option{"reason", Takes::text, "REASON", "", "Only those with this reason"},
    Option{"count", Takes::count, "N", "100", "List so many at most"},
    Option{"groups", Takes::nothing, "", "", "List how many there are of each reason"},
    Option{"all", Takes::nothing, "", "", "Requeue or purge without any restriction"},
    Option{"json", Takes::nothing, "", "", "Print JSON, one object to a line"},
};

constexpr std::string_view kDeadDetails =
    "  list     one line for each dead letter, or for each reason with --groups\n"
    "  show     event and story of the sequences given\n"
    "  requeue  give them back to their consumers, with their ids and sequences: they\n"
    "           come before newer events of their key\n"
    "  purge    delete them; they count as dropped\n"
    "Works beside the gateway that owns the database, which notices within a second.\n"
    "Exit code 1 also when none of the sequences given is a dead letter.\n";

int print(const std::string& text) {
  const Status written = put(text);
  return written.is_ok() ? kSuccess : fail(written);
}

std::string_view state_of(const DeadLetter& letter) {
  return letter.is_requeued ? "requeued" : "dead";
}

JsonObject story(const DeadLetter& letter) {
  JsonObject object;
  object.add("stream", std::string_view(letter.stream)).add("sequence", letter.event.sequence);
  object.add("consumer", std::string_view(letter.consumer));
  object.add("reason", std::string_view(letter.reason));
  object.add("attempts", std::uint64_t{letter.attempts});
  object.add("first_error", std::string_view(letter.first_error));
  object.add("last_error", std::string_view(letter.last_error));
  object.add_bool("requeued", letter.is_requeued);
  return object;
}

std::string as_json(const DeadLetter& letter, bool with_event) {
  JsonObject object = story(letter);
  if (with_event) {
    std::string event;
    wire::append_json(letter.event, event);
    object.add_json("event", event);
  } else {
    object.add("id", std::string_view(letter.event.id.to_string()));
    object.add("topic", std::string_view(letter.event.topic));
    object.add("key", std::string_view(letter.event.key));
  }
  return object.text() + "\n";
}

int list_groups(Gateway& gateway, const DeadLetterQuery& query, bool is_json) {
  const auto groups = gateway.dead_letter_groups(query);
  if (!groups) return fail(groups.status());
  std::string text;
  std::vector<Row> rows{{"STREAM/CONSUMER", "REASON", "DEAD", "REQUEUED"}};
  for (const DeadLetterGroup& group : *groups) {
    JsonObject object;
    object.add("stream", std::string_view(group.stream));
    object.add("consumer", std::string_view(group.consumer));
    object.add("reason", std::string_view(group.reason));
    object.add("dead", group.dead).add("requeued", group.requeued);
    text += object.text() + "\n";
    rows.push_back({group.stream + "/" + group.consumer, group.reason, std::to_string(group.dead),
                    std::to_string(group.requeued)});
  }
  return print(is_json ? text : rows.size() > 1 ? as_table(rows) : "no dead letters\n");
}

int list_letters(Gateway& gateway, const DeadLetterQuery& query, const Options& options) {
  if (options.has("groups")) return list_groups(gateway, query, options.has("json"));
  const auto limit = std::min<std::uint64_t>(options.count("count"), 1'000'000);
  const auto letters = gateway.dead_letters(query, static_cast<std::size_t>(limit));
  if (!letters) return fail(letters.status());
  std::string text;
  std::vector<Row> rows{{"STREAM/CONSUMER", "SEQUENCE", "STATE", "ATTEMPTS", "REASON", "ERROR"}};
  for (const DeadLetter& letter : *letters) {
    text += as_json(letter, false);
    rows.push_back({letter.stream + "/" + letter.consumer, std::to_string(letter.event.sequence),
                    std::string(state_of(letter)), std::to_string(letter.attempts), letter.reason,
                    letter.last_error});
  }
  if (letters->size() == limit) {
    say("these are the first " + std::to_string(limit) + "; --count N shows more");
  }
  return print(options.has("json") ? text : rows.size() > 1 ? as_table(rows) : "no dead letters\n");
}

int show(Gateway& gateway, const DeadLetterQuery& query, const Options& options) {
  const auto letters = gateway.dead_letters(query, std::numeric_limits<std::size_t>::max());
  if (!letters) return fail(letters.status());
  if (letters->empty()) return fail({Code::not_found, "no such dead letter"});
  std::string text;
  for (const DeadLetter& letter : *letters) {
    if (options.has("json")) {
      text += as_json(letter, true);
      continue;
    }
    if (!text.empty()) text += "\n";
    text += "stream       " + letter.stream + "\nsequence     " +
            std::to_string(letter.event.sequence) + "\nconsumer     " + letter.consumer +
            "\nstate        " + std::string(state_of(letter)) + "\nreason       " + letter.reason +
            "\nattempts     " + std::to_string(letter.attempts) + "\nfirst error  " +
            letter.first_error + "\nlast error   " + letter.last_error + "\nevent        ";
    wire::append_json(letter.event, text);
    text += "\n";
  }
  return print(text);
}

int change(Gateway& gateway, const DeadLetterQuery& query, const Options& options) {
  const bool is_requeue = options.words().front() == "requeue";
  const auto count = is_requeue ? gateway.requeue(query) : gateway.purge(query);
  if (!count) return fail(count.status());
  if (*count == 0 && !query.sequences.empty()) {
    return fail({Code::not_found, "no such dead letter"});
  }
  const std::string_view done = is_requeue ? "requeued" : "purged";
  if (options.has("json")) return print(JsonObject().add(done, *count).text() + "\n");
  return print(std::string(done) + " " + std::to_string(*count) + "\n");
}

int run_dead(const Options& options) {
  const auto& words = options.words();
  const std::string_view action = words.empty() ? "" : words.front();
  const bool is_list = action == "list";
  const bool is_change = action == "requeue" || action == "purge";
  if (!is_list && !is_change && action != "show") {
    return refuse("dead", "name one of list, show, requeue and purge first");
  }
  DeadLetterQuery query{.stream = options.text("stream"),
                        .consumer = options.text("consumer"),
                        .reason = options.text("reason"),
                        .sequences = {}};
  for (const std::string_view word : std::span(words).subspan(1)) {
    const auto sequence = parse_count(word, 1, std::numeric_limits<std::uint64_t>::max());
    if (!sequence) return refuse("dead", "sequence: " + sequence.status().message());
    query.sequences.push_back(*sequence);
  }
  if (action == "show" && query.sequences.empty()) {
    return refuse("dead", "show: name at least one sequence");
  }
  const bool is_restricted = !query.sequences.empty() || !query.stream.empty() ||
                             !query.consumer.empty() || !query.reason.empty();
  if (is_change && !is_restricted && !options.has("all")) {
    return refuse("dead", std::string(action) + ": this means every dead letter: say --all");
  }
  const auto opened = Gateway::open(
      {.database = options.text("db"), .access = is_change ? Access::operate : Access::read});
  if (!opened) return fail(opened.status());
  if (is_change) return change(**opened, query, options);
  return is_list ? list_letters(**opened, query, options) : show(**opened, query, options);
}

}  // namespace

const Command kDead{"dead", "List, show, requeue or purge dead letters", kDeadDetails, kDeadOptions,
                    run_dead};

}  // namespace edgepost::cli
