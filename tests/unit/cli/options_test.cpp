#include "cli/options.hpp"

#include <doctest.h>

#include <array>
#include <vector>

namespace edgepost::cli {
namespace {

using namespace std::chrono_literals;

constexpr std::array<Option, 10> kTable{{
    {.name = "db",
     .takes = Takes::text,
     .value = "FILE",
     .help = "The database",
     .is_required = true,
     .environment = "EDGEPOST_DB"},
    {.name = "batch", .takes = Takes::count, .value = "N", .standard = "100", .highest = 1000},
    {.name = "from", .takes = Takes::count, .value = "SEQ", .standard = "1"},
    {.name = "ttl", .takes = Takes::duration, .value = "DURATION", .help = "How long"},
    {.name = "mode", .takes = Takes::choice, .value = "binary|structured"},
    {.name = "json", .help = "One JSON object"},
    {.takes = Takes::heading, .help = "How much"},
    {.name = "to", .takes = Takes::text, .value = "URL", .help = "Where to", .is_repeatable = true},
    {.name = "rate", .takes = Takes::rate, .value = "N/s"},
    {.name = "size", .takes = Takes::size, .value = "SIZE"},
}};

const char* nothing_set(const char*) { return nullptr; }

Result<Options> parse(const std::vector<const char*>& arguments,
                      const Environment& environment = nothing_set) {
  return Options::parse(kTable, arguments, environment);
}

std::string refusal(const std::vector<const char*>& arguments) {
  const auto options = parse(arguments);
  if (options.is_ok()) return "accepted";
  CHECK(options.status().code() == Code::invalid_argument);
  return options.status().message();
}

TEST_CASE("options: a value follows its option or an equals sign") {
  const auto options = parse({"--db", "a.db", "--batch=7", "--mode=binary", "--json"});
  REQUIRE(options.is_ok());
  CHECK(options->text("db") == "a.db");
  CHECK(options->count("batch") == 7);
  CHECK(options->text("mode") == "binary");
  CHECK(options->has("json"));
}

TEST_CASE("options: a value may look like an option and may hold an equals sign") {
  const auto options = parse({"--db", "--help", "--mode", "binary"});
  REQUIRE(options.is_ok());
  CHECK(options->text("db") == "--help");
  CHECK(parse({"--db=a=b"})->text("db") == "a=b");
}

TEST_CASE("options: what is not given has its standard value") {
  const auto options = parse({"--db", "a.db"});
  REQUIRE(options.is_ok());
  CHECK(options->count("batch") == 100);
  CHECK(!options->has("batch"));
  CHECK(options->text("mode").empty());
  CHECK(!options->has("json"));
}

TEST_CASE("options: the environment stands in for an option, an empty variable does not") {
  const auto set = parse({}, [](const char* name) {
    return std::string_view(name) == "EDGEPOST_DB" ? "env.db" : nullptr;
  });
  REQUIRE(set.is_ok());
  CHECK(set->text("db") == "env.db");
  const auto given = parse({"--db", "a.db"}, [](const char*) { return "env.db"; });
  CHECK(given->text("db") == "a.db");
  CHECK(!parse({}, [](const char*) { return ""; }).is_ok());
}

TEST_CASE("options: help wins over everything behind it and over what is missing") {
  CHECK(parse({"--help"})->wants_help());
  CHECK(parse({"-h", "--nonsense"})->wants_help());
  CHECK(!parse({"--db", "a.db"})->wants_help());
}

TEST_CASE("options: a refusal names the option and what it takes") {
  CHECK(refusal({"--db", "a", "--nope"}) == "unknown option --nope");
  CHECK(refusal({"--db", "a", "--nope=1"}) == "unknown option --nope");
  CHECK(refusal({"--db", "a", "-x"}) == "unknown option '-x'");
  CHECK(refusal({"--db", "a", "--"}) == "unknown option '--'");
  CHECK(refusal({"--db", "a", "b"}) == "unexpected 'b'");
  CHECK(refusal({"--db"}) == "option --db: FILE is missing");
  CHECK(refusal({"--db="}) == "option --db: the value is empty");
  CHECK(refusal({}) == "option --db: it is missing, and so is the variable EDGEPOST_DB");
  CHECK(refusal({"--db", "a", "--db", "b"}) == "option --db: it is given twice");
  CHECK(refusal({"--db", "a", "--json=yes"}) == "option --json: it takes no value");
  CHECK(refusal({"--db", "a", "--mode", "bin"}) ==
        "option --mode: 'bin' is not one of binary|structured");
}

TEST_CASE("options: a malformed number names the range") {
  for (const char* text :
       {"x", "0", "1001", "-1", "+1", "1.5", "7x", " 7", "0x7", "99999999999999999999"}) {
    CHECK(refusal({"--db", "a", "--batch", text}) ==
          "option --batch: '" + std::string(text) + "' is not a whole number from 1 to 1000");
  }
  CHECK(refusal({"--db", "a", "--from", "0"}) ==
        "option --from: '0' is not a whole number from 1 up");
  CHECK(parse({"--db", "a", "--from", "18446744073709551615"})->count("from") ==
        18'446'744'073'709'551'615U);
}

TEST_CASE("options: a duration has a unit and a sane size") {
  CHECK(*parse_duration("500ms") == 500ms);
  CHECK(*parse_duration("30s") == 30s);
  CHECK(*parse_duration("5m") == 5min);
  CHECK(*parse_duration("1h") == 1h);
  CHECK(*parse_duration("3650d") == kLongest);
  for (const char* text : {"", "5", "0s", "3651d", "1.5h", "-1s", "s", "1 s", "1hh", "1us",
                           "99999999999999999999ms"}) {
    CHECK_MESSAGE(!parse_duration(text).is_ok(), text);
  }
  CHECK(refusal({"--db", "a", "--ttl", "soon"}) ==
        "option --ttl: 'soon' is not a duration such as 500ms, 30s, 5m, 1h or 2d, from 1ms to "
        "3650d");
}

TEST_CASE("options: one that is repeatable keeps each value, in order") {
  const auto options = parse({"--db", "a", "--to", "x", "--json", "--to=y", "--to", "x"});
  REQUIRE(options.is_ok());
  CHECK(options->texts("to") == std::vector<std::string>{"x", "y", "x"});
  CHECK(options->text("to") == "x");
  CHECK(parse({"--db", "a"})->texts("to").empty());
}

TEST_CASE("options: a size has a unit or none") {
  CHECK(*parse_size("0", 0) == 0);
  CHECK(*parse_size("4096") == 4096);
  CHECK(*parse_size("64KiB") == 65'536);
  CHECK(*parse_size("3MiB") == 3U * 1024 * 1024);
  CHECK(*parse_size("17179869183GiB") == std::uint64_t{17'179'869'183} << 30U);
  for (const char* text : {"", "KiB", "64kB", "64 KiB", "1.5MiB", "-1", "0", "17179869184GiB"}) {
    CHECK_MESSAGE(!parse_size(text).is_ok(), text);
  }
  CHECK(parse_size("2MiB", 1, 4096).status().message() ==
        "'2MiB' is not a size such as 4096, 64KiB, 1MiB or 2GiB, from 1 to 4096");
  CHECK(
      refusal({"--db", "a", "--size", "much"}).starts_with("option --size: 'much' is not a size"));
}

TEST_CASE("options: a rate is of events or of bytes") {
  CHECK(parse_rate("100/s")->events == 100);
  CHECK(parse_rate("100/s")->bytes == 0);
  CHECK(parse_rate("64KiB/s")->bytes == 65'536);
  CHECK(parse_rate("64KiB/s")->events == 0);
  for (const char* text : {"", "/s", "100", "0/s", "64KiB", "1/m", "KiB/s"}) {
    CHECK_MESSAGE(!parse_rate(text).is_ok(), text);
  }
  CHECK(refusal({"--db", "a", "--rate", "1/m"}) ==
        "option --rate: '1/m' is not a rate such as 100/s (events) or 64KiB/s (bytes)");
}

TEST_CASE("options: a heading is no option") {
  CHECK(refusal({"--db", "a", "--=x"}) == "unknown option --");
  CHECK(describe(kTable).find("\nHow much:\n  --to URL") != std::string::npos);
}

TEST_CASE("options: the help lists each option with value, default and range") {
  const std::string text = describe(kTable);
  CHECK(text.starts_with("  --db FILE               The database; needed; or set EDGEPOST_DB\n"));
  CHECK(text.find("  --batch N               , 1 to 1000; default 100\n") != std::string::npos);
  CHECK(text.find("  --mode binary|structured\n                          \n") != std::string::npos);
  CHECK(text.find("  -h, --help              Show") != std::string::npos);
}

}  // namespace
}  // namespace edgepost::cli
