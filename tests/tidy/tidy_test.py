#!/usr/bin/env python3
"""Proves that each rule of tidy.py turns red on a violation and stays green on the right form."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
import tidy  # noqa: E402
from source import Tree, normalise  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent


def plant(root, files):
    for path, content in files.items():
        target = pathlib.Path(root, path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, encoding="utf-8")


class House(unittest.TestCase):
    """Verbs for the tests: a tree is a dictionary from path to content."""

    rule = ""

    def found(self, files):
        with tempfile.TemporaryDirectory() as root:
            plant(root, files)
            return list(getattr(tidy, "check_" + self.rule)(Tree(root)))

    def red(self, path, content="", line=None, **others):
        found = self.found({path: content, **others.get("others", {})})
        self.assertEqual([path], [place for place, _, _ in found], (content, found))
        if line:
            self.assertEqual(line, found[0][1], found)

    def green(self, path, content="", others=()):
        self.assertEqual([], self.found({path: content, **dict(others)}), content)


class Columns(House):
    rule = "columns"

    def test_101_columns_are_too_many_and_100_are_not(self):
        for path in ("src/a.cpp", "a.hpp", "a.sql", "cmake/a.cmake", "CMakeLists.txt",
                     "src/CMakeLists.txt", "a.sh", "a.py", "tools/demo"):
            self.red(path, "ok\n" + "x" * 101 + "\n", line=2)
            self.green(path, "x" * 100 + "\n")

    def test_characters_count_not_bytes(self):
        self.green("src/a.cpp", "é" * 100)

    def test_prose_and_data_may_be_wide(self):
        self.green("README.md", "x" * 300)


class FileSize(House):
    rule = "file_size"

    def test_a_source_has_400_lines_and_a_header_250(self):
        self.red("src/a.cpp", "\n" * 401)
        self.red("src/a.hpp", "\n" * 251)
        self.green("src/a.cpp", "\n" * 400)
        self.green("src/a.hpp", "\n" * 250)
        self.green("tools/a.py", "\n" * 500)


class FunctionSize(House):
    rule = "function_size"
    openings = (
        "void f() {", "static int f(int a = 3, std::vector<int> b = {1, 2}) noexcept {",
        "template <class T, int N = 3>\nrequires std::integral<T>\nauto f(T t) -> Result<T> {",
        "template <class T>\nrequires requires(T t) { t.a(); }\nvoid f() {",
        "Foo::Foo(int a) : Base<int>{a}, a_{a}, b_(std::move(b)) {",
        "Foo::Foo(T... t) : T(t)... {", "Foo::Foo() noexcept(true)\n  : a_{1}\n  , b_{{1, 2}} {",
        "Foo::Foo()\n#ifdef A\n    : a_{1}\n#endif\n{", "Foo::operator bool() const {",
        "bool Foo::operator()(int a) const {", "Foo& operator=(Foo&& other) noexcept {",
        "auto operator<=>(const A& a, const A& b) {", "X operator\"\"_id(const char* s) {",
        "TEST_CASE(\"bus: {a} promise [P-01]\") {", "TEST_CASE_FIXTURE(Fixture, \"a\") {",
        "auto f = [](int a) mutable -> int {", "auto t = make(1, [&] {", "int x = [] {",
        "const Row rows[] = {{\"a\", 1}, {\"b\", [](int) {", "struct X f(struct Y* y) {",
        "[[nodiscard]] Status f() const& override {", "namespace a::b { extern \"C\" { int f() {",
        "class A : public B<C> { public: enum E { a, b }; int x{3}; A() : x{1} {",
        "struct A { int a[2] = {1, 2}; std::function<void()> b{[] {}}; void f() {",
        "TEST_SUITE(\"a\") { TEST_CASE(\"b\") {", "void f() EDGEPOST_NOEXCEPT {",
        "#if A\nvoid f(int a) {\n#else\nvoid f() {\n#endif", "auto f() -> Result<int> {",
        "template <> void A<B>::f() const requires C<B> {",
        "int i = 1'000; char c = '{'; int f() {",
    )

    def test_a_body_of_70_lines_is_fine_and_one_of_71_is_not(self):
        for opening in self.openings:
            first = opening.count("\n") + 1
            first -= opening.endswith("#endif") * 1
            body = 69 - opening.endswith("#endif") * 1
            self.green("src/a.cpp", opening + "\n" * body + "}")
            self.red("src/a.cpp", opening + "\n" * (body + 1) + "}", line=first)

    def test_braces_in_comments_strings_and_directives_are_not_braces(self):
        noise = ('// {\n/* { */ const char* a = "{"; const char* b = R"({ " })"; char c = \'{\';\n'
                 'auto d = R"x({)" {)x"; auto e = u8R"({)"; auto g = "\\"{"; int n = 1\'0; {}\n'
                 "#define EDGEPOST_OPEN {\n#define EDGEPOST_TWO \\\n  {\n")
        self.green("src/a.cpp", "void f() {\n" + noise * 5 + "}\n" + noise + "\n" * 90)
        self.red("src/a.cpp", noise + "void f() {\n" + noise * 14 + "}\n", line=7)

    def test_what_is_nested_counts_for_the_outermost_function_only(self):
        nested = "struct A { void g() { auto h = [] {\n" + "\n" * 80 + "}; } };\n"
        self.red("src/a.cpp", "void f() {\n" + nested + "}\n", line=1)
        self.green("src/a.cpp", ("void f() {\n" + "auto h = [] { if (a) { } };\n" * 60 + "}\n") * 3)

    def test_types_namespaces_and_tables_may_be_long(self):
        for opening in ("namespace edgepost {", "namespace {", 'extern "C" {', "union {",
                        "class A final : B {", "template <class T> struct A<T (*)(int)> {",
                        "enum class E : int {", "const int a[] = {", "concept C = requires(T t) {",
                        "constexpr std::array<Row, 3> kRows{", "struct EDGEPOST_EXPORT A {",
                        "struct alignas(8) A {", 'TEST_SUITE("a") {'):
            self.green("src/a.cpp", opening + "\n" * 100 + "};\nvoid f() {\n}\n")
        self.green("src/a.cpp", "const A a(b(1), ROW{" + "\n" * 100 + "});\nvoid f() {\n}\n")


class Include(House):
    rule = "include"

    def judge(self, judge, path, *headers):
        for header in headers:
            quoted = header if header[0] in '"<' else f'"{header}"'
            judge(path, f"#pragma once\n#  include {quoted}\n")

    def test_each_module_includes_what_the_table_gives_it(self):
        for path, headers in {
            "src/base/a.cpp": ("base/b.hpp", "<edgepost/event.hpp>", "<vector>", "<cstdint>"),
            "src/bus/a.cpp": ("bus/b.hpp", "base/b.hpp", "platform/b.hpp"),
            "src/wire/a.cpp": ("platform/b.hpp", "<yyjson.h>", "wire/b.hpp"),
            "src/tls/a.cpp": ("platform/b.hpp", "<mbedtls/ssl.h>", "<psa/crypto.h>", "<poll.h>"),
            "src/store/a.cpp": ("platform/b.hpp", "<sqlite3.h>", "sqlite3.h", "store/sql.hpp"),
            "src/document/a.cpp": ("store/b.hpp", "wire/b.hpp"),
            "src/transport/mqtt/a.cpp": ("transport/mqtt/b.hpp", "transport/b.hpp", "tls/b.hpp",
                                         "wire/b.hpp", "<mosquitto.h>", "<mqtt_protocol.h>"),
            "src/transport/https/a.cpp": ("platform/b.hpp", "<httplib.h>"),
            "src/uplink/a.cpp": ("store/b.hpp", "document/b.hpp", "platform/b.hpp",
                                 "<edgepost/transport.hpp>"),
            "src/gateway.cpp": ("bus/b.hpp", "gateway_parts.hpp", "transport/mqtt/b.hpp"),
            "src/cli/a.cpp": ("store/b.hpp", "gateway.hpp"),
            "src/sim/a.cpp": ("uplink/b.hpp", "<sqlite3.h>"),
            "tests/unit/bus/a_test.cpp": ("bus/b.hpp", "support/x.hpp", "<sqlite3.h>", "../b.hpp",
                                          "<mosquitto.h>", "<doctest/doctest.h>", "<unistd.h>"),
            "examples/01_bus/main.cpp": ("<edgepost/bus.hpp>", "<iostream>"),
            "include/edgepost/a.hpp": ("<edgepost/bus.hpp>", "<optional>", "edgepost/bus.hpp"),
            "include/edgepost/sim/a.hpp": ("<edgepost/bus.hpp>",),
        }.items():
            self.judge(self.green, path, *headers)

    def test_nobody_includes_upward_or_sideways(self):
        for path, headers in {
            "src/base/a.cpp": ("bus/b.hpp", "platform/b.hpp", "<unistd.h>"),
            "src/platform/a.cpp": ("bus/b.hpp", "<bus/b.hpp>"),
            "src/bus/a.cpp": ("store/b.hpp", "gateway.hpp", "<sqlite3.h>", "../base/b.hpp", "b.hpp",
                              "topic/b.hpp", "<pthread.h>"),
            "src/wire/a.cpp": ("store/b.hpp", "<doctest/doctest.h>", "<unistd.h>"),
            "src/tls/a.cpp": ("transport/b.hpp", "<openssl/ssl.h.hpp>"),
            "src/store/a.cpp": ("bus/b.hpp", "<doctest.h>", "store/../bus/b.hpp",
                                "document/b.hpp", "wire/b.hpp", "<yyjson.h>"),
            "src/document/a.cpp": ("platform/b.hpp", "<sqlite3.h>", "<fcntl.h>"),
            "src/transport/mqtt/a.cpp": ("store/b.hpp", "<httplib.h>", "transport/https/b.hpp"),
            "src/transport/https/a.cpp": ("uplink/b.hpp", "<mosquitto.h>", "<mbedtls/ssl.h>"),
            "src/uplink/a.cpp": ("transport/b.hpp", "transport/mqtt/b.hpp", "wire/b.hpp"),
            "src/gateway.cpp": ("<sqlite3.h>", "./bus/../b.hpp"),
            "examples/02_outbox/main.cpp": ("<sqlite3.h>", "store/b.hpp", "<sys/statvfs.h>"),
            "include/edgepost/a.hpp": ("base/b.hpp", "<sqlite3.h>", "<stdint.h>", "bus.hpp"),
        }.items():
            self.judge(self.red, path, *headers)

    def test_a_folder_that_is_no_module_is_refused(self):
        self.red("src/helpers/a.cpp")
        self.red("src/store.cpp")

    def test_a_comment_includes_nothing(self):
        self.green("src/bus/a.cpp", '// #include "store/a.hpp"\n/*\n#include <sqlite3.h>\n*/\n')


class Words(House):
    rule = "words"

    def test_sqlite_is_called_by_the_store_alone(self):
        self.red("src/gateway.cpp", "\nint x = sqlite3_step(s);", line=2)
        self.red("include/edgepost/a.hpp", "sqlite3_stmt* s;")
        for path in ("src/store/a.cpp", "src/sim/a.cpp", "tests/unit/a_test.cpp"):
            self.green(path, "sqlite3_step(s);")
        self.green("src/bus/a.cpp", 'struct sqlite3; // sqlite3_step\nauto a = "sqlite3_step";')

    def test_time_comes_from_the_platform(self):
        self.red("src/uplink/a.cpp", "auto now = std::chrono::system_clock::now();")
        self.green("src/platform/a.cpp", "std::chrono::system_clock::now();")
        self.green("tests/a.cpp", "std::chrono::system_clock::now();")
        self.green("src/uplink/a.cpp", "auto now = clock.now(); // not system_clock")

    def test_threads_and_sleeping_live_where_they_may(self):
        for word in ("std::thread t;", "std::jthread t;", "pthread_create(&t, 0, f, 0);",
                     "std::this_thread::sleep_for(a);", "usleep(3);", "::sleep (3);",
                     "std::async(f);"):
            for path in ("src/store/a.cpp", "src/gateway.cpp", "src/uplink/state.cpp"):
                self.red(path, word)
            for path in ("src/platform/a.cpp", "src/transport/mqtt/a.cpp", "src/uplink/driver.cpp",
                         "src/cli/a.cpp", "tests/integration/a.cpp", "examples/01_bus/main.cpp"):
                self.green(path, word)
        self.green("src/bus/a.cpp", "std::thread::id owner; asleep(); int sleep_seconds = 3;")

    def test_unit_tests_do_not_sleep(self):
        self.red("tests/unit/bus/a_test.cpp", "std::this_thread::sleep_for(a);")
        self.green("tests/unit/bus/a_test.cpp", "std::thread t;")

    def test_only_the_platform_knows_the_system(self):
        for line in ("#ifdef __linux__", "#if defined(_WIN32)", "# elif defined(A) && __APPLE__",
                     "#ifndef __arm__", "#if defined(A) || \\\n    defined(__aarch64__)",
                     "#if __riscv_xlen == 64", "#if defined(__x86_64__)", "#ifdef __ANDROID__"):
            self.red("src/bus/a.cpp", line)
            self.red("tests/unit/a_test.cpp", line)
            self.green("src/platform/a.cpp", line)
        self.green("src/bus/a.cpp", "#ifdef EDGEPOST_JSON // __linux__\n#endif\nint __linux__;")
        self.green("tests/a.cpp", "#if defined(__SANITIZE_ADDRESS__) || __cpp_exceptions")

    def test_our_code_throws_nothing(self):
        for word in ("throw 1;", "try {", "} catch (...) {"):
            self.red("src/bus/a.cpp", word)
            self.red("include/edgepost/a.hpp", word)
            self.green("tests/a.cpp", word)
        self.green("src/bus/a.cpp", 'm.try_lock(); std::nothrow; // try\nauto a = "catch";')

    def test_names_of_std_are_written_out(self):
        self.red("tests/a.cpp", "using namespace std;")
        self.green("tests/a.cpp", "using namespace std::chrono_literals;")

    def test_no_test_is_switched_off(self):
        for decorator in ("skip()", "should_fail()", "may_fail(true)", "expected_failures(1)"):
            self.red("tests/a.cpp", f'TEST_CASE("a" * doctest::{decorator}) {{}}')
        self.red("tests/a.cpp", "#if 0\n#endif")
        self.red("tests/a.cpp", "int DISABLE" + "D_case;")
        self.red("tests/CMakeLists.txt", "PROPERTIES DISABLE" + "D TRUE")
        self.red("tests/a_test.py", "@unittest." + 'skip("slow")')
        self.green("tests/a.cpp", "skip(3); #if 0x10 > a\n// #if 0")

    def test_nothing_is_left_for_later(self):
        for word in ("FIX" + "ME", "TO" + "DO", "XX" + "X", "HA" + "CK"):
            for path in ("src/a.cpp", "CMakeLists.txt", "src/a.sql", "tools/demo", "a.sh"):
                self.red(path, f"\n# {word}: later", line=2)
        self.green("src/a.cpp", 'auto a = "/tmp/XXXXXX"; // the to-do list')
        self.green("docs/a.md", "no FIX" + "ME is left")


class Begin(House):
    rule = "begin"

    def test_a_transaction_is_immediate(self):
        for sql in ("BEGIN;", "BEGIN", "BEGIN DEFERRED;", "begin transaction;", "BEGIN EXCLUSIVE",
                    "BEGIN -- IMMEDIATE\n;"):
            self.red("src/store/sql/a.sql", "SELECT 1;\n" + sql, line=2)
            self.red("src/store/a.cpp", f'\nrun(R"({sql})");', line=2)
        for sql in ("BEGIN IMMEDIATE;", "begin immediate", "BEGIN\n  IMMEDIATE",
                    "CREATE TRIGGER a AFTER INSERT ON b BEGIN\n  UPDATE c SET d = 1;\nEND;",
                    "-- BEGIN;\nSELECT 'BEGIN;';"):
            self.green("src/store/sql/a.sql", sql)
            self.green("src/store/a.cpp", f'run(R"({sql})");')

    def test_neighbouring_literals_are_one(self):
        self.green("src/store/a.cpp", 'run("BEGIN "\n    "IMMEDIATE");')
        self.red("src/store/a.cpp", 'run("SELECT 1; "\n    "BEGIN;");', line=1)
        self.red("src/store/a.cpp", 'run("BEGIN " /* IMMEDIATE */\n    "; SELECT 1");', line=1)

    def test_prose_and_code_may_begin(self):
        self.green("src/a.cpp", 'log("cannot begin"); a.begin(); // BEGIN;\nint BEGIN;')


class Form(House):
    def test_a_header_starts_with_its_guard(self):
        self.rule = "pragma_once"
        self.red("src/bus/a.hpp", "#ifndef A\n#define A\n#endif")
        self.red("src/bus/a.hpp", "#include <vector>\n#pragma once\n")
        self.green("src/bus/a.hpp", "// The topic trie.\n/* More. */\n#pragma once\n")
        self.green("src/bus/a.cpp", "#include <vector>\n")

    def test_a_macro_carries_our_name(self):
        self.rule = "macro"
        self.red("src/bus/a.cpp", "\n# define MAX(a) a\n", line=2)
        self.red("include/edgepost/a.hpp", "#define NOEDGEPOST_A")
        self.green("src/bus/a.cpp", "#define EDGEPOST_MAX(a) a\n// #define A\n")
        self.green("tests/a.cpp", "#define DOCTEST_CONFIG_IMPLEMENT\n")

    def test_files_have_snake_case_names(self):
        self.rule = "name"
        for path in ("src/bus/TopicTrie.cpp", "src/bus/topic-trie.hpp", "tools/setUp", "src/a.h",
                     "src/store/sql/A.sql", "tests/a.test.sh", "src/a.cc"):
            self.red(path)
        for path in ("src/bus/topic_trie.cpp", "src/store/sql/0001_a.sql", "tools/demo", "a.py",
                     "src/CMakeLists.txt", "toolchains/arm-linux-gnueabihf.cmake", "README.md",
                     "tools/CMakeLists.txt", "tests/install/consumer.c"):
            self.green(path)

    def test_unit_tests_mirror_the_sources(self):
        self.rule = "mirror"
        others = {"src/bus/trie.cpp": "", "src/base/id.hpp": "", "include/edgepost/event.hpp": "",
                  "src/transport/mqtt/link.cpp": "", "src/gateway_parts.cpp": "",
                  "include/edgepost/sim/disk.hpp": ""}
        for name in ("bus/trie", "base/id", "base/event", "transport/mqtt/link", "sim/disk",
                     "gateway/gateway_parts", "gateway_parts"):
            self.green(f"tests/unit/{name}_test.cpp", others=others)
        for name in ("store/trie_test", "bus/id_test", "bus/trie", "bus/trie_tests", "ghost_test"):
            self.red(f"tests/unit/{name}.cpp", others=others)
        self.green("tests/unit/main.cpp")
        self.green("tests/unit/store/fixture.hpp")


class Registered(House):
    rule = "registered"

    def test_a_source_is_named_beside_or_above_it(self):
        for place, words in (("src/bus", "trie.cpp"), ("src", "bus/trie.cpp"), ("src", "trie.cpp"),
                             ("src/bus", '"${CMAKE_CURRENT_SOURCE_DIR}/trie.cpp"')):
            lists = {f"{place}/CMakeLists.txt": f"target_sources(a PRIVATE x.cpp {words})"}
            self.green("src/bus/trie.cpp", others={**lists, "src/bus/readme.md": ""})
        lists = {"CMakeLists.txt": "add_library(a\n  src/bus/trie.cpp)"}
        self.green("src/bus/trie.cpp", others=lists)

    def test_a_source_nobody_names_is_found(self):
        self.red("src/bus/trie.cpp")
        for words in ("my_trie.cpp", "# trie.cpp", "trie.cpp.in", "store/trie.cpp", "file(GLOB *)"):
            self.red("tests/bus/trie.cpp", others={"tests/CMakeLists.txt": f"a({words}\n)"})
        self.red("src/bus/trie.cpp", others={"src/store/CMakeLists.txt": "a(trie.cpp)"})

    def test_sql_is_embedded(self):
        self.red("src/store/sql/0001_a.sql", others={"src/store/CMakeLists.txt": "a()"})
        lists = {"src/store/CMakeLists.txt": "edgepost_embed_sql(core sql/0001_a.sql)"}
        self.green("src/store/sql/0001_a.sql", others=lists)

    def test_an_example_is_named_by_its_folder(self):
        lists = {"examples/CMakeLists.txt": "edgepost_example(01_bus)\nadd_executable(a main.cpp)"}
        self.green("examples/01_bus/main.cpp", others=lists)
        self.red("examples/02_outbox/main.cpp", others=lists)


class Promise(House):
    rule = "promise"
    contract = {"docs/contract.md": "# Promises\n- P-01 never lost. P-02 no ghost.\n"}

    def test_every_promise_has_a_test_and_every_test_its_promise(self):
        both = 'TEST_CASE("a: b [P-01]") {}\nTEST_CASE_FIXTURE(F, "c: "\n  "d [P-02]") {}'
        self.green("tests/a.cpp", both, others=self.contract)
        script = {**self.contract, "tests/crash/a.sh": "  # case: nothing is lost [P-02]\n"}
        self.green("tests/a.cpp", 'TEST_CASE("a [P-01]") {}', others=script)
        found = self.found({**self.contract, "tests/a.cpp": both, "tests/b.cpp":
                            '\nTEST_CASE("c: d [P-03]") {}'})
        self.assertEqual([("tests/b.cpp", 2)], [(path, line) for path, line, _ in found])

    def test_a_promise_named_elsewhere_is_not_proven(self):
        for content in ('// TEST_CASE("a [P-02]")', 'SUBCASE("a [P-02]") {}', 'log("[P-02]");',
                        'TEST_CASE("a P-02") {}', 'TEST_CASE("a") { CHECK("[P-02]"); }'):
            proof = {**self.contract, "tests/a.cpp": 'TEST_CASE("a [P-01]") {}\n' + content}
            self.assertEqual([("docs/contract.md", 2)],
                             [(path, line) for path, line, _ in self.found(proof)], content)

    def test_there_is_a_contract(self):
        self.assertEqual("docs/contract.md", self.found({"README.md": ""})[0][0])


class Foreign(House):
    rule = "foreign"

    def test_no_machine_and_no_mirror_is_named(self):
        for words in ("/wor" + "k/main", 'cd "/wor' + 'k/x"', "https://deb.debi" + "an.org/x",
                      "registry.npm" + "js.org", "farm-" + "bench", "farm-" + "studio"):
            for path in ("README.md", "src/a.cpp", ".ci/run", "tools/setup"):
                self.red(path, "\n" + words, line=2)
        for words in ("$dir/work/", "net/work/", "debian.org", "Debian 12", "farm-house"):
            self.green("README.md", words)


class Readme(House):
    rule = "readme"

    def test_the_first_program_is_the_one_that_is_built(self):
        hello = {"examples/00_hello/main.cpp": "// Hello.\n//\n\n#include <a>\nint main() {}\n"}
        shown = "# edgepost\n```sh\ntools/demo\n```\n```cpp\n#include <a>\nint main() {}\n```\n"
        self.green("README.md", shown + "```cpp\nother\n```\n", others=hello)
        self.green("README.md", shown)
        self.red("README.md", shown.replace("{}", "{ }"), line=5, others=hello)
        self.red("README.md", "# edgepost\n", others=hello)
        self.red("README.md", "```cpp\n" + "a\n" * 21 + "```\n", line=1)
        self.green("README.md", "```cpp\n" + "a\n" * 20 + "```\n")


class Doc(House):
    rule = "doc"

    def judge(self, judge, declaration, before=""):
        judge("include/edgepost/a.hpp", f"namespace edgepost {{\n{before}\n{declaration}\n}}\n")

    def test_what_the_public_sees_has_a_comment_above_it(self):
        for declaration in (
            "class A {\n};", "struct A final : std::vector<int> {};",
            "enum class E : int { a, b };", "Status f(int a);",
            "template <class T>\nResult<T> f(T t) { return t; }",
            "[[nodiscard]] inline std::function<void()> f() {\n}", "union A { int b; };",
            "template <>\nstruct std::hash<A> {};", "bool operator==(const A&, const A&);",
            "constexpr int f() {\n  return 1;\n}", "extern int g(std::vector<int> a = {1, 2});",
        ):
            self.judge(self.red, declaration)
            self.judge(self.red, declaration, "// f does.")
            self.judge(self.green, declaration, "/// Does it.\n/// Errors: none.")
            self.judge(self.green, declaration, "/// Does it.\n// NOLINTNEXTLINE(a)")

    def test_public_methods_have_one_too(self):
        for method in ("void f() const;", "explicit A(int b);", "virtual Status f(int a) = 0;",
                       "static A f() { return {}; }", "A(int a, int b) : A() {}", "struct B {};",
                       "explicit operator bool() const;", "A& operator+=(int a);",
                       "template <class T> A(T&& t);"):
            for opening in ("class A {\n public:", "struct A {", "class A : public B {\npublic:\n",
                            "struct A { private: int a; public:"):
                self.judge(self.red, f"{opening}\n{method}\n}};", "/// A.")
                self.judge(self.green, f"{opening}\n/// Does.\n{method}\n}};", "/// A.")

    def test_some_may_go_without(self):
        for member in (
            "A();", "A() = default;", "~A();", "virtual ~A();", "A(const A&) = delete;",
            "A(A&& other) noexcept;", "A& operator=(A&&) noexcept;", "A& operator=(const A&);",
            "bool operator==(const A&) const = default;", "int b = f();", "int b{f(3)};", "int b;",
            "std::function<void(int)> b;", "void (*b)(int);", "using B = int (*)(int);",
            "friend class B;", "struct B;", "friend void f(A&);", "static_assert(f(1) == 2);",
            "enum { a, b };", "int c[2] = {f(1), 2};", "Status f(int) override;",
            "bool operator<(const A&) const;  ///< By name.", "A() : b_(1), c_{2} {}",
            "union { int a; };", "Duration d = std::chrono::seconds(3);", "alignas(8) int a;",
        ):
            self.judge(self.green, f"struct A {{\n{member}\n}};", "/// A.")

    def test_what_is_not_public_may_go_without(self):
        for member in ("void f();", "struct B { void g(); };", "explicit A(int a);"):
            self.judge(self.green, f"class A {{\n{member}\n}};", "/// A.")
            self.judge(self.green, f"struct A {{\nint a;\n protected:\n{member}\n}};", "/// A.")
        self.judge(self.green, "namespace detail {\nvoid f();\n}")
        self.green("src/bus/a.hpp", "void f();")
        self.judge(self.green, "class A;\ntemplate <class T> class B;\nEDGEPOST_CHECK(a);")
        self.judge(self.green, "/// A.\ntemplate <class T> struct A {};\n\n"
                               "template <class T> A(T) -> A<T>;")

    def test_bodies_strings_and_branches_do_not_confuse_it(self):
        self.judge(self.green, "/// F.\ninline int f() {\n  struct B { void h(); };\n"
                               '  const char* a = "}"; // }\n  return g([] { return 1; });\n}\n'
                               "#if EDGEPOST_A\n/// G.\nint g(int a) {\n#else\n/// G.\nint g() {\n"
                               "#endif\n  return 1;\n}\n#define EDGEPOST_H(a) void h(a);")

    def test_a_declaration_starts_where_its_template_starts(self):
        self.judge(self.green, "template <class T>\nrequires requires(T t) { t.a(); }\nvoid f(T t);"
                               "\n/// G.\n[[nodiscard]]\nint g();", "/// F.")
        self.judge(self.green, "inline const auto kA = g([] { return 1; }, f(2));\nint (b)(int);")

    def test_a_body_it_cannot_place_is_left_alone(self):
        self.judge(self.green, "/// F.\nint f() some_macro {\n  g(1);\n}")

    def test_a_comment_behind_something_else_does_not_count(self):
        self.judge(self.red, "struct A {\nint a;\n///< Of a.\nvoid f();\n};", "/// A.")

    def test_overloads_side_by_side_share_a_comment(self):
        self.judge(self.green, "T& value() &;\nconst T& value() const&;\nT&& value() &&;", "/// V.")
        self.judge(self.red, "T& value() &;\n\nconst T& value() const&;", "/// V.")
        self.judge(self.red, "T& value() &;\nT& other() &;", "/// V.")


class Program(unittest.TestCase):
    """The command as ctest runs it."""

    def run_tidy(self, root):
        command = [sys.executable, "-B", HERE / "tidy.py", root]
        return subprocess.run(command, capture_output=True, text=True)

    def test_it_prints_each_violation_and_a_count(self):
        with tempfile.TemporaryDirectory() as root:
            plant(root, {"docs/contract.md": "", "src/bus/a.hpp": "int a;\n"})
            result = self.run_tidy(root)
            self.assertEqual(1, result.returncode)
            first, last = result.stdout.splitlines()
            self.assertRegex(first, r"^src/bus/a\.hpp:1: pragma_once: .+; .+$")
            self.assertRegex(last, r"^tidy: 1 violations in 2 files, \d+ rules$")
            plant(root, {"src/bus/a.hpp": "#pragma once\n"})
            self.assertEqual(0, self.run_tidy(root).returncode)

    def test_git_decides_what_belongs_to_the_tree(self):
        with tempfile.TemporaryDirectory() as root:
            subprocess.run(["git", "init", "-q", root], check=True)
            plant(root, {"docs/contract.md": "", ".gitignore": "ignored/\n", "tools/new": "",
                         "ignored/a.hpp": "int a;", "build/a.hpp": "int a;"})
            pathlib.Path(root, "data.db").write_bytes(b"\0/wor" + b"k/ \xff")
            result = self.run_tidy(root)
            self.assertEqual((0, "tidy: 0 violations in 3 files"),
                             (result.returncode, result.stdout.split(",")[0]), result.stdout)

    def test_a_wrong_call_is_refused(self):
        self.assertEqual(2, self.run_tidy(HERE / "nowhere").returncode)

    def test_each_rule_has_a_function_and_a_test(self):
        rules = {name[6:] for name in vars(tidy) if name.startswith("check_")}
        tests = (HERE / "tidy_test.py").read_text(encoding="utf-8")
        self.assertEqual(rules, set(tidy.RULES))
        self.assertEqual([], [rule for rule in rules if f'rule = "{rule}"' not in tests])

    def test_the_checker_keeps_its_own_sizes(self):
        for name in ("tidy.py", "source.py"):
            self.assertLessEqual(len((HERE / name).read_text("utf-8").splitlines()), 400)

    def test_a_head_folds_to_one_line(self):
        self.assertEqual("A::A@ : b_$, c_@",
                         normalise("A<int>::A(int (*f)(int))\n  : b_{{1}, 2}, c_(f(1))"))


if __name__ == "__main__":
    unittest.main()
