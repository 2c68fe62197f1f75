#include "sim/patient.hpp"

#include <doctest.h>

#include <algorithm>
#include <random>

#include "support/gateway_fixture.hpp"

namespace edgepost::test {
namespace {

constexpr std::size_t kPage = 4096;
constexpr ReadLimits kAll{.events = 1'000'000, .bytes = 1U << 30U};
constexpr const char* kStreams[] = {"outbox", "alarms", "ring"};
constexpr std::pair<const char*, const char*> kConsumers[] = {
    {"outbox", "cloud"}, {"outbox", "local"}, {"alarms", "cloud"}};

// What is below it is out of reach when such a page is damaged; the pages of the schema, of which
// page 1 is the first, say where everything is.
bool is_inner_page(const std::string& file, std::size_t page) {
  const auto text = std::string_view(file).substr(page * kPage, kPage);
  return page == 0 || text[0] == 5 || text[0] == 2 ||
         text.find("CREATE TABLE edgepost_") != std::string_view::npos;
}

}  // namespace

Patient::Patient() {
  options.database = kDatabase;
  options.device_id = "gw-1";
  options.reserve_bytes = 0;
  options.platform.clock = &clock_;
  options.platform.random = &random_;
  options.platform.vfs = disk.name();
  populate();
}

void Patient::publish(const std::string& stream, std::size_t bytes) {
  std::string data = std::to_string(++serial_) + ":";
  data.resize(bytes, static_cast<char>('a' + serial_ % 26));
  const auto receipt =
      gateway_->publish({.topic = stream + "/x",
                         .data = std::to_string(serial_) + ":" + data + std::to_string(serial_),
                         .key = "k" + std::to_string(serial_ % 4)});
  REQUIRE(receipt.is_ok());
  const auto events =
      gateway_->read(stream, {receipt->sequence}, {.events = 1, .bytes = 1U << 30U});
  REQUIRE(events.is_ok());
  REQUIRE(events->size() == 1);
  const sim::DiskImage image = disk.image();
  const auto log = image.find(kLog);
  known_[events->front().id] = {events->front(), stream,
                                log == image.end() ? 0 : log->second.size()};
}

// One after the other: `acknowledged`, `rejected`, `tried`.
void Patient::answer(const char* name, int acknowledged, int rejected, int tried) {
  auto consumer = gateway_->consumer("outbox", {.name = name, .order = Order::none});
  REQUIRE(consumer.is_ok());
  const auto count = static_cast<std::size_t>(acknowledged + rejected + tried);
  const auto events = consumer->fetch({.events = count, .bytes = 1U << 30U});
  REQUIRE(events.is_ok());
  for (const Event& event : *events) {
    if (acknowledged-- > 0) {
      CHECK(consumer->acknowledge(event.sequence).is_ok());
    } else if (rejected-- > 0) {
      CHECK(consumer->reject(event.sequence, "refused", "not wanted").is_ok());
    } else {
      CHECK(consumer->nack(event.sequence, "no answer").is_ok());
    }
  }
  (void)gateway_->step(clock_.now());
  REQUIRE(gateway_->flush().is_ok());
}

void Patient::populate() {
  const auto open = [this] {
    auto opened = Gateway::open(options);
    REQUIRE(opened.is_ok());
    gateway_ = std::move(*opened);
    for (const char* stream : kStreams) {
      const bool is_ring = std::string_view(stream) == "ring";
      const StreamOptions plain{.name = stream, .filters = {std::string(stream) + "/#"}};
      StreamOptions ring = plain;
      ring.retention = Retention::limits;
      ring.discard = Discard::old_events;
      ring.max_events = 12;
      REQUIRE(gateway_->create_stream(is_ring ? ring : plain).is_ok());
    }
    for (const auto& [stream, name] : kConsumers)
      REQUIRE(gateway_->consumer(stream, {.name = name}).is_ok());
  };
  open();
  for (int i = 0; i < 40; ++i) {
    publish("outbox", i == 20 ? 20'000 : 300 + static_cast<std::size_t>(i) * 20);
    publish("alarms", 100);
    publish("ring", 60);
  }
  answer("cloud", 6, 2, 2);
  answer("local", 3, 0, 1);
  gateway_.reset();
  for (auto& known : known_)
    known.second.log_end = 0;
  open();
  for (int i = 0; i < 10; ++i) {
    publish("outbox", 500);
    publish("alarms", 900);
    publish("ring", 60);
    if (i == 5) answer("cloud", 1, 1, 0);
  }
  std::vector<std::string> problems;
  there_ = read_all(problems);
  CHECK(problems == std::vector<std::string>{});
  disk.cut_power({sim::CutPolicy::keep_all, 1});
  gateway_.reset();
  disk.power_on();
  killed_ = disk.image();
  REQUIRE(killed_.contains(kLog));
  open();
  gateway_.reset();
  closed_ = disk.image();
}

sim::DiskImage Patient::wounded(sim::DiskImage image, const Wound& wound) {
  std::mt19937_64 bits(wound.seed);
  std::string& file = image.at(wound.file);
  const std::size_t end = std::min(file.size(), wound.offset + wound.size);
  for (std::size_t at = wound.offset; at < end; ++at) {
    const auto mask = static_cast<unsigned char>(1 + bits() % 255);
    file[at] = static_cast<char>(static_cast<unsigned char>(file[at]) ^ mask);
  }
  return image;
}

// A log ends where it is damaged. Of the file, the rows of damaged pages may be gone, and what
// stands under an inner page; big events stand in several pages.
bool Patient::may_be_missing(const Known& known, const sim::DiskImage& before,
                             const Wound& wound) const {
  if (wound.file == kLog) return known.log_end > wound.offset;
  if (known.event.data.size() > kPage / 2) return true;
  const std::string& file = before.at(wound.file);
  const std::size_t end = std::min(file.size(), wound.offset + wound.size);
  for (std::size_t page = wound.offset / kPage; page * kPage < end; ++page) {
    if (is_inner_page(file, page)) return true;
    const auto text = std::string_view(file).substr(page * kPage, kPage);
    if (text.find(known.event.data) != std::string_view::npos) return true;
  }
  return false;
}

void Patient::check(const Event& event, std::vector<std::string>& problems) const {
  const auto known = known_.find(event.id);
  if (known != known_.end() && known->second.event == event) return;
  problems.push_back("sequence " + std::to_string(event.sequence) + " of topic " + event.topic +
                     ": not the event that was stored");
}

// Reads on behind what is damaged, as a reader does that tries again behind a step.
bool Patient::read_stream(const std::string& stream, std::set<EventId>& found,
                          std::vector<std::string>& problems) {
  constexpr int kTriesMax = 200;
  Position from = Position::start();
  for (int i = 0; i < kTriesMax; ++i) {
    const auto events = gateway_->read(stream, from, kAll);
    if (events && events->empty()) return true;
    for (const Event& event : events ? *events : std::vector<Event>()) {
      check(event, problems);
      found.insert(event.id);
      from.sequence = event.sequence + 1;
    }
    (void)gateway_->step(clock_.now());
  }
  return false;
}

std::set<EventId> Patient::read_all(std::vector<std::string>& problems) {
  std::set<EventId> found;
  for (const StreamStatus& stream : gateway_->status().streams) {
    if (!read_stream(stream.name, found, problems)) {
      problems.push_back("stream " + stream.name + " cannot be read to its end");
    }
  }
  return found;
}

bool Patient::drain(const std::string& stream, const std::string& name,
                    std::vector<std::string>& problems) {
  constexpr int kTriesMax = 200;
  auto consumer = gateway_->consumer(stream, {.name = name, .order = Order::none});
  for (int i = 0; consumer && i < kTriesMax; ++i) {
    const auto events = consumer->fetch(kAll);
    for (const Event& event : events ? *events : std::vector<Event>()) {
      check(event, problems);
      (void)consumer->acknowledge(event.sequence);
    }
    clock_.advance(std::chrono::milliseconds(500));
    (void)gateway_->step(clock_.now());
    if (events && events->empty() && consumer->status().lag == 0) return true;
  }
  return false;
}

void Patient::check_books(std::vector<std::string>& problems) {
  for (const StreamStatus& stream : gateway_->status().streams) {
    if (!balances(stream.ledger)) problems.push_back(stream.name + ": the books do not balance");
  }
}

void Patient::note_damage(Diagnosis& found) {
  const auto damage = gateway_->status().damage;
  if (!damage) return;
  found.told.insert(found.told.end(), damage->problems.begin(), damage->problems.end());
}

bool Patient::open(Diagnosis& found) {
  gateway_.reset();
  auto opened = Gateway::open(options);
  if (opened) {
    gateway_ = std::move(*opened);
    note_damage(found);
    return true;
  }
  const Status& why = opened.status();
  if (why.message().find(kDatabase) == std::string::npos || why.code() == Code::io_error) {
    found.problems.push_back("it does not open, and says only: " + why.message());
  }
  return false;
}

// Goes on behind damage; where the tables themselves are ruined, a restart must help.
void Patient::use(Diagnosis& found, std::set<EventId>& left) {
  const auto all_is_well = [&](std::vector<std::string>& problems) {
    left.merge(read_all(problems));
    for (const auto& [stream, name] : kConsumers) {
      (void)gateway_->create_stream({.name = stream});
      if (!drain(stream, name, problems))
        problems.push_back(std::string(name) + " is stuck in " + stream);
    }
    if (Status status = gateway_->flush(); !status.is_ok()) problems.push_back(status.message());
    note_damage(found);
    return problems.empty();
  };
  std::vector<std::string> problems;
  if (all_is_well(problems)) return;
  for (const std::string& problem : problems) {
    if (problem.find("not the event") != std::string::npos) found.problems.push_back(problem);
  }
  ++found.restarts;
  if (open(found)) all_is_well(found.problems);
}

Diagnosis Patient::examine(const sim::DiskImage& image, const Wound& wound) {
  Diagnosis found;
  disk.restore(image);
  found.is_open = open(found);
  if (!found.is_open) return found;
  std::set<EventId> left;
  use(found, left);
  if (gateway_ == nullptr) return found;
  const sim::DiskImage& before = image.contains(kLog) ? killed_ : closed_;
  bool is_missing = false;
  for (const EventId& id : there_) {
    if (left.contains(id)) continue;
    is_missing = true;
    const Known& known = known_.at(id);
    if (may_be_missing(known, before, wound)) continue;
    found.problems.push_back(known.stream + ", sequence " + std::to_string(known.event.sequence) +
                             ": lost, though its page is whole");
  }
  if (is_missing && found.told.empty()) found.problems.emplace_back("a loss is not reported");
  check_books(found.problems);
  const auto verified = gateway_->verify();
  gateway_.reset();
  if (!verified || !verified->problems.empty()) {
    const auto repaired = Gateway::repair(options);
    if (!repaired) found.problems.push_back("repair: " + repaired.status().message());
    (void)contents(found.problems);
  }
  if (!found.problems.empty()) {
    found.problems.insert(found.problems.end(), found.told.begin(), found.told.end());
  }
  return found;
}

std::string Patient::contents(std::vector<std::string>& problems) {
  Diagnosis found;
  if (!open(found)) return {};
  std::string text;
  for (const EventId& id : read_all(problems))
    text += id.to_string() + "\n";
  for (const StreamStatus& stream : gateway_->status().streams) {
    text += stream.name + " " + std::to_string(stream.next_sequence) + " lost " +
            std::to_string(stream.ledger.dropped.damaged) + " dead " +
            std::to_string(stream.ledger.dead) + "\n";
    for (const ConsumerStatus& consumer : stream.consumers)
      text += consumer.name + " " + std::to_string(consumer.floor) + "\n";
  }
  const auto verified = gateway_->verify();
  if (!verified) problems.push_back("verify: " + verified.status().message());
  for (const std::string& problem : verified ? verified->problems : std::vector<std::string>())
    problems.push_back("verify: " + problem);
  check_books(problems);
  gateway_.reset();
  return text;
}

}  // namespace edgepost::test
