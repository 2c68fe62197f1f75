#include "transport/mqtt/topic_aliases.hpp"

#include <doctest.h>

namespace edgepost::mqtt {

TEST_CASE("topic aliases: a topic gets the next number, until they are all taken") {
  TopicAliases aliases(2);
  CHECK(aliases.find("a") == 0);
  CHECK(aliases.next() == 1);
  aliases.add("a");
  aliases.add("b");
  CHECK(aliases.find("a") == 1);
  CHECK(aliases.find("b") == 2);
  CHECK(aliases.next() == 0);
  CHECK(aliases.find("c") == 0);
}

TEST_CASE("topic aliases: where the broker allows none there are none") {
  CHECK(TopicAliases().next() == 0);
  CHECK(TopicAliases(0).next() == 0);
}

TEST_CASE("topic aliases: memory for them is bounded, whatever the broker allows") {
  TopicAliases aliases(65'535);
  for (int i = 0; aliases.next() != 0; ++i)
    aliases.add(std::to_string(i));
  CHECK(aliases.find("255") == 256);
  CHECK(aliases.find("256") == 0);
}

}  // namespace edgepost::mqtt
