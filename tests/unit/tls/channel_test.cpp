#include "tls/channel.hpp"

#include <sys/stat.h>

#include <filesystem>

#include "support/tcp_peer.hpp"

namespace edgepost::tls {
namespace {

using State = Channel::State;

/// A channel without TLS to a server of the test's own.
struct ChannelFixture {
  test::TcpListener listener{};
  std::unique_ptr<Channel> channel = make();

  std::unique_ptr<Channel> make(Channel::Options options = {}) {
    options.host = options.host.empty() ? "127.0.0.1" : options.host;
    options.port = listener.port();
    return *Channel::make(std::move(options), {});
  }

  [[nodiscard]] static Instant now() { return default_platform().clock->now(); }

  bool reach(State state) {
    return test::drive(*channel, [&](Instant at) {
      channel->step(at);
      return channel->state() == state;
    });
  }

  /// Lets the channel work until `peer` has received so many bytes, or its end.
  std::string receive(const test::Peer& peer, std::size_t size) {
    std::string bytes;
    bool is_over = false;
    test::drive(*channel, [&](Instant at) {
      channel->step(at);
      bytes += peer.receive(size - bytes.size(), is_over);
      return bytes.size() == size || is_over;
    });
    return is_over ? bytes + "<end>" : bytes;
  }

  /// Library and server, connected through the channel.
  std::pair<test::Peer, test::Peer> connect() {
    channel->begin(now());
    CHECK(reach(State::open));
    test::Peer server = listener.accept();
    test::Peer library = test::connect_to_path(channel->path());
    channel->step(now());
    return {std::move(library), std::move(server)};
  }
};

TEST_CASE_FIXTURE(ChannelFixture, "channel: bytes go through both ways, unchanged") {
  const auto [library, server] = connect();
  library.send("to the server");
  CHECK(receive(server, 13) == "to the server");
  server.send("to the library");
  CHECK(receive(library, 14) == "to the library");
}

TEST_CASE_FIXTURE(ChannelFixture, "channel: a megabyte goes through while the other side waits") {
  const auto [library, server] = connect();
  std::string sent;
  for (std::size_t i = 0; i < 1024 * 1024; ++i)
    sent.push_back(static_cast<char>(i * 31 % 251));
  std::string received;
  std::size_t at = 0;
  bool is_over = false;
  CHECK(test::drive(*channel, [&, &to = library, &from = server](Instant when) {
    const auto rest = std::string_view(sent).substr(at, 100'000);
    const ssize_t taken =
        ::send(to.number(), rest.data(), rest.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (taken > 0) at += static_cast<std::size_t>(taken);
    channel->step(when);
    received += from.receive(sent.size(), is_over);
    return received.size() == sent.size();
  }));
  CHECK((received == sent));
}

TEST_CASE_FIXTURE(ChannelFixture, "channel: a library that connects begins by itself") {
  const test::Peer library = test::connect_to_path(channel->path());
  library.send("hello");
  CHECK(reach(State::open));
  const test::Peer server = listener.accept();
  CHECK(receive(server, 5) == "hello");
}

TEST_CASE_FIXTURE(ChannelFixture, "channel: a second connection of the library ends the first") {
  const auto [first, old_server] = connect();
  first.send("last words");
  const test::Peer second = test::connect_to_path(channel->path());
  second.send("new");
  CHECK(receive(old_server, 100) == "last words<end>");
  const test::Peer server = listener.accept();
  CHECK(receive(server, 3) == "new");
  CHECK(receive(first, 1) == "<end>");
}

TEST_CASE_FIXTURE(ChannelFixture, "channel: what the server sent arrives before its end") {
  auto [library, server] = connect();
  const std::string words(50'000, 'x');
  server.send(words);
  server.close();
  CHECK((receive(library, 60'000) == words + "<end>"));
  CHECK(channel->state() == State::closed);
}

TEST_CASE_FIXTURE(ChannelFixture, "channel: what the library sent arrives before its end") {
  auto [library, server] = connect();
  library.send("goodbye");
  library.close();
  CHECK(receive(server, 100) == "goodbye<end>");
  CHECK(channel->state() == State::closed);
}

TEST_CASE_FIXTURE(ChannelFixture,
                  "channel: what the library wrote just before end() still leaves") {
  const auto [library, server] = connect();
  library.send("DISCONNECT");
  channel->end();
  CHECK(channel->state() == State::closed);
  CHECK(receive(server, 100) == "DISCONNECT<end>");
}

TEST_CASE_FIXTURE(ChannelFixture, "channel: a reset is a failure, never a clean end [P-33]") {
  auto [library, server] = connect();
  server.send("half an ans");
  CHECK(receive(library, 11) == "half an ans");
  server.close(true);
  CHECK(reach(State::failed));
  CHECK(channel->failure().meaning == AnswerClass::link_down);
  CHECK(channel->failure().reason == "the connection broke: Connection reset by peer");
  CHECK_FALSE(channel->failure().is_unreachable);
}

TEST_CASE_FIXTURE(ChannelFixture, "channel: after a failure the library's next connection begins") {
  auto [library, server] = connect();
  server.close(true);
  CHECK(reach(State::failed));
  const test::Peer next = test::connect_to_path(channel->path());
  CHECK(reach(State::open));
}

TEST_CASE_FIXTURE(ChannelFixture, "channel: a server that is not there is unreachable") {
  listener.close();
  channel->begin(now());
  CHECK(reach(State::failed));
  CHECK(channel->failure().meaning == AnswerClass::link_down);
  CHECK(channel->failure().is_unreachable);
  CHECK(channel->failure().reason == "connect to 127.0.0.1: Connection refused");
}

TEST_CASE_FIXTURE(ChannelFixture, "channel: a library whose server is not there sees the end") {
  listener.close();
  const test::Peer library = test::connect_to_path(channel->path());
  CHECK(receive(library, 1) == "<end>");
  CHECK(channel->state() == State::failed);
}

TEST_CASE_FIXTURE(ChannelFixture,
                  "channel: what inspect refuses never reaches the library [P-62]") {
  std::string seen;
  channel = make({.inspect = [&](std::span<const std::byte> bytes) {
    for (const std::byte byte : bytes)
      seen.push_back(static_cast<char>(byte));
    return seen.size() <= 5 ? Status() : Status(Code::refused, "a packet of 11 bytes, 5 allowed");
  }});
  const auto [library, server] = connect();
  server.send("small");
  CHECK(receive(library, 5) == "small");
  server.send("no more");
  CHECK(receive(library, 100) == "<end>");
  CHECK(channel->state() == State::failed);
  CHECK(channel->failure().reason == "a packet of 11 bytes, 5 allowed");
  CHECK(seen == "smallno more");
}

TEST_CASE_FIXTURE(ChannelFixture, "channel: traffic is counted over all connections") {
  for (std::uint64_t round = 1; round <= 2; ++round) {
    const auto [library, server] = connect();
    library.send("12345");
    CHECK(receive(server, 5) == "12345");
    server.send("123");
    CHECK(receive(library, 3) == "123");
    CHECK(channel->traffic().sent == 5 * round);
    CHECK(channel->traffic().received == 3 * round);
  }
}

TEST_CASE_FIXTURE(ChannelFixture, "channel: progress goes on while the peer takes what was sent") {
  const auto [library, server] = connect();
  const std::string words(16'000, 'x');
  int quiet = 0;
  for (std::uint64_t sent = 0; quiet < 3; sent = channel->traffic().sent) {
    [[maybe_unused]] const ssize_t ignored =
        ::send(library.number(), words.data(), words.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    channel->step(now());
    quiet = channel->traffic().sent == sent ? quiet + 1 : 0;
  }
  const Traffic full = channel->traffic();
  CHECK(full.progress < full.sent);
  const auto received = receive(server, static_cast<std::size_t>(full.sent));
  CHECK(channel->traffic().progress > full.progress);
  channel->end();
  CHECK(channel->traffic().progress == channel->traffic().sent);
}

TEST_CASE_FIXTURE(ChannelFixture, "channel: one step moves a bounded number of bytes") {
  const auto [library, server] = connect();
  const std::string words(64'000, 'x');
  std::size_t sent = 0;
  for (ssize_t taken = 1; taken > 0; sent += taken > 0 ? static_cast<std::size_t>(taken) : 0) {
    taken = ::send(server.number(), words.data(), words.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  }
  REQUIRE(sent > 300'000);
  channel->step(now());
  bool is_over = false;
  CHECK(library.receive(sent, is_over).size() <= 128 * 1024);
  CHECK(channel->due() <= now());
}

TEST_CASE_FIXTURE(ChannelFixture, "channel: a server that does not answer is given up in time") {
  // A full backlog: the kernel lets the connection hang.
  listener = test::TcpListener(0);
  std::vector<test::Peer> others;
  for (int i = 0; i < 3; ++i) {
    others.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(listener.port());
    ::connect(others.back().number(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  }
  channel = make({.connect_timeout = std::chrono::seconds(7)});
  const Instant begun = now();
  channel->begin(begun);
  channel->step(begun);
  CHECK(channel->state() == State::connecting);
  CHECK(channel->due() == begun + std::chrono::seconds(7));
  channel->step(begun + std::chrono::seconds(7));
  CHECK(channel->state() == State::failed);
  CHECK(channel->failure().reason == "connect to 127.0.0.1: no answer in time");
  CHECK(channel->failure().is_unreachable);
}

TEST_CASE_FIXTURE(ChannelFixture, "channel: the socket's directory is private and goes with it") {
  const std::filesystem::path path(channel->path());
  struct stat found {};
  REQUIRE(::stat(path.parent_path().c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0700);
  channel.reset();
  CHECK_FALSE(std::filesystem::exists(path.parent_path()));
}

}  // namespace
}  // namespace edgepost::tls
