#include <array>

#include "cli/command.hpp"
#include "cli/output.hpp"
#include "edgepost/gateway.hpp"
#include "wire/cloudevents.hpp"

namespace edgepost::cli {
namespace {

constexpr std::array kOptions{
    kDatabase,
    Option{"json", Takes::nothing, "", "", "Print one JSON object"},
};

constexpr std::string_view kDetails =
    "It reads the whole database and checks its structure, every checksum and the\n"
    "books of every stream. Exit code 0: sound; 1: there are problems, one a line. It\n"
    "changes nothing and works beside a running gateway.\n";

std::string as_json(const VerifyReport& report) {
  std::vector<std::string> problems;
  for (const std::string& problem : report.problems) {
    wire::append_json_string(problem, problems.emplace_back());
  }
  JsonObject object;
  object.add_bool("sound", problems.empty()).add("events", report.events);
  return object.add_json("problems", json_array(problems)).text() + "\n";
}

std::string as_text(const VerifyReport& report) {
  const std::string checked = std::to_string(report.events) + " events checked";
  if (report.problems.empty()) return "sound: " + checked + "\n";
  std::string text;
  for (const std::string& problem : report.problems)
    text += problem + "\n";
  return text + "not sound: " + std::to_string(report.problems.size()) + " problems, " + checked +
         "\n";
}

int run(const Options& options) {
  const auto gateway = Gateway::open({.database = options.text("db"), .access = Access::read});
  if (!gateway) return fail(gateway.status());
  const auto report = (*gateway)->verify();
  if (!report) return fail(report.status());
  const Status written = put(options.has("json") ? as_json(*report) : as_text(*report));
  if (!written.is_ok()) return fail(written);
  return report->problems.empty() ? kSuccess : kFailed;
}

}  // namespace

const Command kVerify{"verify", "Check a database", kDetails, kOptions, run};

}  // namespace edgepost::cli
