#include <array>

#include "cli/command.hpp"
#include "cli/open.hpp"
#include "cli/output.hpp"

namespace edgepost::cli {
namespace {

constexpr std::array kShrinkOptions{
    kDatabase,
    Option{"json", Takes::nothing, "", "", "Print one JSON object"},
};

constexpr std::string_view kShrinkDetails =
    "New events go into free pages first, so this is for a file that one long outage\n"
    "has made large. It writes what is in use three times and needs room for it. No\n"
    "gateway may run on the database: a program that does calls Gateway::shrink.\n";

int run_shrink(const Options& options) {
  const std::string path = options.text("db");
  if (const Status there = check_exists(path); !there.is_ok()) return fail(there);
  const auto gateway = open_as_owner({.database = path});
  if (!gateway) return fail(gateway.status());
  const auto bytes = (*gateway)->shrink();
  if (!bytes) return fail(bytes.status());
  const std::uint64_t left = (*gateway)->status().database_bytes;
  JsonObject object;
  object.add("given_back", *bytes).add("database_bytes", left);
  const std::string text = "gave back " + std::to_string(*bytes) + " bytes, the file has " +
                           std::to_string(left) + " left\n";
  const Status written = put(options.has("json") ? object.text() + "\n" : text);
  return written.is_ok() ? kSuccess : fail(written);
}

}  // namespace

const Command kShrink{"shrink", "Give unused room back to the file system", kShrinkDetails,
                      kShrinkOptions, run_shrink};

}  // namespace edgepost::cli
