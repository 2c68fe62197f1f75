#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "edgepost/sim/disk.hpp"
#include "sim/draw.hpp"
#include "sim/locks.hpp"

namespace edgepost::sim {

/// A file: what readers see, what is on the medium, and the changes in between, in order.
class File {
 public:
  File() = default;
  /// All of `content` is on the medium.
  explicit File(std::string content) : live_(content), durable_(std::move(content)) {}

  [[nodiscard]] const std::string& content() const { return live_; }
  void write(std::size_t offset, std::string_view bytes);
  void truncate(std::size_t size);
  void flip(std::size_t offset, std::uint8_t mask);

  /// Brings every change to the medium.
  void sync();

  /// Brings to the medium what the policy and the draw say, and forgets the rest.
  void settle(CutPolicy policy, Draw& draw, std::size_t sector_bytes);

  /// What is on the medium.
  [[nodiscard]] const std::string& durable() const { return durable_; }

  FileLocks locks;
  SharedMemory shared_memory;

 private:
  struct Change {
    bool is_truncation;
    std::size_t offset;  // of a truncation: the new size
    std::string bytes;
  };
  void settle_piece(std::size_t offset, std::string_view piece, CutPolicy policy, Draw& draw);

  std::string live_;
  std::string durable_;
  std::vector<Change> pending_;
};

/// The files of a disk by name, and which of the names are on the medium.
class FileSystem {
 public:
  /// Null when there is none of that name.
  [[nodiscard]] std::shared_ptr<File> find(const std::string& name) const;
  std::shared_ptr<File> create(const std::string& name);
  /// Requires: there is one of that name. Whoever has it open keeps it.
  void remove(const std::string& name);

  /// Brings the names of the directory that `name` is in to the medium.
  void sync_directory_of(const std::string& name);

  /// What a power cut leaves: new files, all of it on the medium.
  void cut(const PowerCut& cut, std::size_t sector_bytes);

  /// The sum of what all files are long, as readers see them.
  [[nodiscard]] std::uint64_t bytes() const;

  [[nodiscard]] DiskImage image() const;
  void restore(const DiskImage& image);

 private:
  using Names = std::map<std::string, std::shared_ptr<File>>;
  struct Renaming {
    std::string name;
    std::shared_ptr<File> file;  // null: the name was taken away

    void apply(Names& names) const;
  };

  Names live_;
  Names durable_;
  std::vector<Renaming> pending_;
};

}  // namespace edgepost::sim
