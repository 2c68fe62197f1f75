#include "sim/file_system.hpp"

#include <algorithm>
#include <utility>

namespace edgepost::sim {
namespace {

void put(std::string& content, std::size_t offset, std::string_view bytes) {
  if (content.size() < offset + bytes.size()) content.resize(offset + bytes.size());
  std::copy(bytes.begin(), bytes.end(),
            content.begin() + static_cast<std::string::difference_type>(offset));
}

std::string_view directory_of(std::string_view name) {
  const std::size_t slash = name.rfind('/');
  return slash == std::string_view::npos ? std::string_view{} : name.substr(0, slash);
}

bool is_kept(CutPolicy policy, Draw& draw) {
  if (policy == CutPolicy::drop_all) return false;
  return policy == CutPolicy::keep_all || draw.below(2) == 0;
}

}  // namespace

void File::write(std::size_t offset, std::string_view bytes) {
  put(live_, offset, bytes);
  pending_.push_back({false, offset, std::string(bytes)});
}

void File::truncate(std::size_t size) {
  live_.resize(size);
  pending_.push_back({true, size, {}});
}

void File::flip(std::size_t offset, std::uint8_t mask) {
  for (std::string* content : {&live_, &durable_}) {
    if (offset >= content->size()) continue;
    (*content)[offset] = static_cast<char>(static_cast<std::uint8_t>((*content)[offset]) ^ mask);
  }
}

void File::sync() {
  // Not a copy of what readers see: an earlier sync that failed may have lost some of that.
  for (const Change& change : pending_) {
    if (change.is_truncation) {
      durable_.resize(change.offset);
    } else {
      put(durable_, change.offset, change.bytes);
    }
  }
  pending_.clear();
}

void File::settle(CutPolicy policy, Draw& draw, std::size_t sector_bytes) {
  for (const Change& change : std::exchange(pending_, {})) {
    if (change.is_truncation) {
      if (is_kept(policy, draw)) durable_.resize(change.offset);
      continue;
    }
    const std::string_view bytes = change.bytes;
    for (std::size_t at = 0; at < bytes.size();) {
      const std::size_t offset = change.offset + at;
      const std::size_t size = std::min(bytes.size() - at, sector_bytes - offset % sector_bytes);
      settle_piece(offset, bytes.substr(at, size), policy, draw);
      at += size;
    }
  }
}

void File::settle_piece(std::size_t offset, std::string_view piece, CutPolicy policy, Draw& draw) {
  if (is_kept(policy, draw)) return put(durable_, offset, piece);
  if (policy == CutPolicy::torn && draw.below(2) == 0) {
    const std::size_t torn_at = draw.below(piece.size());
    return put(durable_, offset, piece.substr(0, torn_at));
  }
  if (policy == CutPolicy::garbage && draw.below(2) == 0) {
    std::string noise(piece.size(), '\0');
    std::generate(noise.begin(), noise.end(), [&draw] { return static_cast<char>(draw.next()); });
    put(durable_, offset, noise);
  }
}

void FileSystem::Renaming::apply(Names& names) const {
  if (file == nullptr) {
    names.erase(name);
  } else {
    names[name] = file;
  }
}

std::shared_ptr<File> FileSystem::find(const std::string& name) const {
  const auto found = live_.find(name);
  return found == live_.end() ? nullptr : found->second;
}

std::shared_ptr<File> FileSystem::create(const std::string& name) {
  pending_.push_back({name, std::make_shared<File>()});
  pending_.back().apply(live_);
  return pending_.back().file;
}

void FileSystem::remove(const std::string& name) {
  pending_.push_back({name, nullptr});
  pending_.back().apply(live_);
}

void FileSystem::sync_directory_of(const std::string& name) {
  std::erase_if(pending_, [&](const Renaming& renaming) {
    const bool is_here = directory_of(renaming.name) == directory_of(name);
    if (is_here) renaming.apply(durable_);
    return is_here;
  });
}

void FileSystem::cut(const PowerCut& cut, std::size_t sector_bytes) {
  Draw draw(cut.seed);
  for (const Renaming& renaming : pending_) {
    if (is_kept(cut.policy, draw)) renaming.apply(durable_);
  }
  DiskImage left;
  for (const auto& [name, file] : durable_) {
    file->settle(cut.policy, draw, sector_bytes);
    left[name] = file->durable();
  }
  restore(left);
}

std::uint64_t FileSystem::bytes() const {
  std::uint64_t sum = 0;
  for (const auto& [name, file] : live_)
    sum += file->content().size();
  return sum;
}

DiskImage FileSystem::image() const {
  DiskImage image;
  for (const auto& [name, file] : live_)
    image[name] = file->content();
  return image;
}

void FileSystem::restore(const DiskImage& image) {
  pending_.clear();
  live_.clear();
  for (const auto& [name, content] : image)
    live_[name] = std::make_shared<File>(content);
  durable_ = live_;
}

}  // namespace edgepost::sim
