#include "store/files.hpp"

#include <doctest.h>

#include "edgepost/sim/disk.hpp"

using namespace edgepost;
using edgepost::store::Files;
using sim::Fault;
using sim::Repeat;

namespace {

struct FilesFixture {
  FilesFixture() : files(beside()) { REQUIRE(files.write("/f", content).is_ok()); }

  Files beside() const {
    auto found = Files::beside("/x.db", disk.name());
    REQUIRE(found.is_ok());
    return std::move(*found);
  }

  const std::string content = std::string(9'000, 'a') + "end";
  sim::Disk disk;
  Files files;
};

}  // namespace

TEST_CASE_FIXTURE(FilesFixture, "files: a copy is whole, or is said not to be, whatever fails") {
  for (const Fault fault : {Fault::io_error, Fault::short_read, Fault::full, Fault::short_write}) {
    for (const Repeat repeat : {Repeat::once, Repeat::forever}) {
      for (std::uint64_t i = 0; i < 20; ++i) {
        disk.fail_at(disk.calls() + i, fault, repeat);
        const Status status = files.copy("/f", "/copy");
        disk.clear_faults();
        if (status.is_ok()) CHECK(disk.image()["/copy"] == content);
        if (!status.is_ok()) CHECK(status.message().find("file /") == 0);
        CHECK(disk.image()["/f"] == content);
      }
    }
  }
}

TEST_CASE_FIXTURE(FilesFixture, "files: what cannot be read once is read again") {
  for (const Fault fault : {Fault::io_error, Fault::short_read}) {
    // An open comes first; the look-up before it and what follows it are asked for again.
    for (const std::uint64_t call : {0U, 2U, 3U, 4U, 5U}) {
      disk.fail_at(disk.calls() + call, fault, Repeat::once);
      const auto read = files.read("/f");
      disk.clear_faults();
      REQUIRE(read.is_ok());
      CHECK(*read == content);
    }
  }
}

TEST_CASE_FIXTURE(FilesFixture, "files: a place that is never readable is an error, and named") {
  for (const Fault fault : {Fault::io_error, Fault::short_read}) {
    disk.fail_at(disk.calls() + 4, fault, Repeat::forever);  // look-up, open, size, read
    const auto read = files.read("/f");
    disk.clear_faults();
    CHECK(read.status().code() == Code::io_error);
    CHECK(read.status().message() == "file /f: of 4096 bytes at offset 4096 some cannot be read");
  }
}

TEST_CASE_FIXTURE(FilesFixture, "files: a copy ends where a place is never readable") {
  // Two opens, size, truncation; then reads and writes in turn.
  disk.fail_at(disk.calls() + 6, Fault::short_read, Repeat::forever);
  const Status status = files.copy("/f", "/copy");
  disk.clear_faults();
  CHECK(status.code() == Code::io_error);
  CHECK(status.message() == "file /f: of 4096 bytes at offset 4096 some cannot be read");
}

TEST_CASE_FIXTURE(FilesFixture, "files: whether a file exists may be unknown") {
  CHECK(*files.exists("/f"));
  CHECK_FALSE(*files.exists("/g"));
  disk.fail_at(disk.calls(), Fault::io_error, Repeat::once);
  CHECK(*files.exists("/f"));
  disk.fail_at(disk.calls(), Fault::io_error, Repeat::forever);
  CHECK(files.exists("/f").status().code() == Code::io_error);
  CHECK(files.read("/g").status().code() == Code::io_error);
}
