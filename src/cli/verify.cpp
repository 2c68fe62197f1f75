#include <array>

#include "cli/command.hpp"
#include "cli/output.hpp"
#include "edgepost/gateway.hpp"
#include "wire/cloudevents.hpp"

namespace edgepost::cli {
namespace {

constexpr std::array kVerifyOptions{
    kDatabase,
    Option{"json", Takes::nothing, "", "", "Print one JSON object"},
    Option{"repair", Takes::nothing, "", "", "Mend what is damaged first"},
};

constexpr std::string_view kVerifyDetails =
    "It reads the whole database and checks its structure, every checksum and the\n"
    "books of every stream. Exit code 0: sound; 1: there are problems, one a line. It\n"
    "changes nothing and works beside a running gateway. With --repair nobody else may\n"
    "have the database open: what is damaged is made anew of what can be read, the rest\n"
    "is counted as dropped, and the damaged file is kept beside it.\n";

std::string json_texts(const std::vector<std::string>& texts) {
  std::vector<std::string> quoted;
  for (const std::string& text : texts)
    wire::append_json_string(text, quoted.emplace_back());
  return json_array(quoted);
}

std::string as_json(const VerifyReport& report, const DamageReport* repaired) {
  JsonObject object;
  object.add_bool("sound", report.problems.empty()).add("events", report.events);
  object.add("lost", report.events_lost);
  object.add_json("problems", json_texts(report.problems));
  if (repaired != nullptr) {
    JsonObject repair;
    repair.add("lost", repaired->events_lost).add("salvaged", repaired->events_salvaged);
    repair.add("evidence", std::string_view(repaired->set_aside));
    object.add_json("repair", repair.add_json("found", json_texts(repaired->problems)).text());
  }
  return object.text() + "\n";
}

std::string as_text(const VerifyReport& report) {
  std::string checked = std::to_string(report.events) + " events checked";
  if (report.events_lost > 0) checked += ", " + std::to_string(report.events_lost) + " lost before";
  if (report.problems.empty()) return "sound: " + checked + "\n";
  std::string text;
  for (const std::string& problem : report.problems)
    text += problem + "\n";
  return text + "not sound: " + std::to_string(report.problems.size()) + " problems, " + checked +
         "\n";
}

std::string as_text(const DamageReport& repaired) {
  if (repaired.problems.empty()) return {};
  std::string text;
  for (const std::string& problem : repaired.problems)
    text += problem + "\n";
  text += "repaired: " + std::to_string(repaired.events_lost) + " events lost, " +
          std::to_string(repaired.events_salvaged) + " carried over\n";
  if (!repaired.set_aside.empty()) text += "evidence: " + repaired.set_aside + "\n";
  return text;
}

int run_verify(const Options& options) {
  const std::string path = options.text("db");
  DamageReport repaired;
  if (options.has("repair")) {
    Result<DamageReport> done = Gateway::repair({.database = path});
    if (!done) return fail(done.status());
    repaired = std::move(*done);
  }
  const auto gateway = Gateway::open({.database = path, .access = Access::read});
  if (!gateway) return fail(gateway.status());
  const auto report = (*gateway)->verify();
  if (!report) return fail(report.status());
  const Status written =
      put(options.has("json") ? as_json(*report, options.has("repair") ? &repaired : nullptr)
                              : as_text(repaired) + as_text(*report));
  if (!written.is_ok()) return fail(written);
  return report->problems.empty() ? kSuccess : kFailed;
}

}  // namespace

const Command kVerify{"verify", "Check a database", kVerifyDetails, kVerifyOptions, run_verify};

}  // namespace edgepost::cli
