// What a store does about a segment that turns out damaged while it is open: see mend.hpp.
#include <algorithm>
#include <utility>

#include "store/mend.hpp"
#include "store/store.hpp"

namespace edgepost::store {

void Store::suspect(StreamLog& stream, std::uint64_t sequence) {
  if (owner_ == nullptr) return;
  is_suspect_ = true;
  {
    const std::lock_guard lock(pending_mutex_);
    const Suspect found{&stream, sequence};
    if (std::find(suspects_.begin(), suspects_.end(), found) == suspects_.end()) {
      suspects_.push_back(found);
    }
  }
  due_at(options_.platform.clock->now());
}

void Store::mend() {
  std::vector<Suspect> suspects;
  {
    const std::lock_guard lock(pending_mutex_);
    suspects.swap(suspects_);
  }
  for (const Suspect& suspect : suspects) {
    if (suspect.stream->is_deleted()) continue;
    Status status = mend(*suspect.stream, suspect.sequence);
    if (status.is_ok() || status.message() == mend_failure_) continue;
    mend_failure_ = status.message();
    options_.platform.logger->write(LogLevel::error, "store",
                                    "stream " + suspect.stream->name() + ", sequence " +
                                        std::to_string(suspect.sequence) +
                                        ": what is damaged cannot be mended: " + mend_failure_);
  }
}

// Whoever waits for the events behind it matters more than the evidence: it is kept if it can be.
Status Store::mend(StreamLog& stream, std::uint64_t sequence) {
  DamageReport report;
  Status status = commit_alone([&](Commit& /*commit*/) -> Status {
    const auto bad = find_bad_segment(*writer_, stream.id(), sequence, stream.next_sequence());
    if (!bad) return bad.status();
    if (!bad->has_value()) return {};  // it was the reading that failed
    const Result<Files> files = Files::beside(options_.database, vfs());
    if (!files) return files.status();
    const Lost& place = (*bad)->place;
    report.events_lost = place.last - place.first + 1;
    report.problems.push_back("stream " + stream.name() + ": the segment of sequences " +
                              std::to_string(place.first) + " to " + std::to_string(place.last) +
                              " cannot be read");
    const Result<std::string> evidence = keep_bad_segment(*files, **bad);
    if (evidence) report.set_aside = *evidence;
    if (!evidence) report.problems.push_back("no evidence: " + evidence.status().message());
    return replace_bad_segment(*writer_, **bad);
  });
  if (status.is_ok() && report.events_lost > 0) report_damage(std::move(report));
  return status;
}

void Store::report_damage(DamageReport report) {
  constexpr std::size_t kProblemsKept = 100;
  std::string line = "damage: " + std::to_string(report.events_lost) + " events lost, " +
                     std::to_string(report.events_salvaged) + " salvaged";
  if (!report.set_aside.empty()) line += "; the evidence is kept in " + report.set_aside;
  for (const std::string& problem : report.problems)
    line += "; " + problem;
  options_.platform.logger->write(LogLevel::error, "store", line);
  const std::lock_guard lock(pending_mutex_);
  if (damage_ && is_loaded_) {
    report.events_lost += damage_->events_lost;
    report.events_salvaged += damage_->events_salvaged;
    if (report.set_aside.empty()) report.set_aside = damage_->set_aside;
    auto& problems = damage_->problems;
    problems.insert(problems.end(), report.problems.begin(), report.problems.end());
    if (problems.size() > kProblemsKept) problems.resize(kProblemsKept);
    report.problems = std::move(problems);
  }
  damage_ = std::move(report);
}

}  // namespace edgepost::store
