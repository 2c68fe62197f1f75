#!/usr/bin/env python3
"""Checks a tree against the house rules: `tidy.py ROOT`.

Prints `path:line: rule: what, and what to do` for each violation and exits with 1 if there is
any. A new rule is a line in RULES and a function check_<rule> that yields (path, line, what);
a word that is only welcome in some places is a line in WORDS and nothing else. Patterns are
spelled so that this file passes its own check.
"""

import pathlib
import re
import sys

sys.dont_write_bytecode = True
from source import Tree, normalise, without_sql_noise  # noqa: E402

RULES = {  # rule: what to do about a violation
    "columns": "wrap at 100 columns",
    "file_size": "split the file by what its parts are for",
    "function_size": "move a step that has a name of its own into a function",
    "include": "see the include table in the house rules",
    "words": "see WORDS in tests/tidy/tidy.py",
    "begin": "write BEGIN IMMEDIATE",
    "pragma_once": "start the header with #pragma once",
    "macro": "use a constant or a function, or start its name with EDGEPOST_",
    "name": "rename it",
    "mirror": "name the test after the file it tests, as x_test.cpp for x.cpp",
    "registered": "add it to the build",
    "promise": "every promise is named by the test that proves it",
    "foreign": "leave out what only one machine or company knows",
    "readme": "show what the tests compile",
    "doc": "put a /// comment directly above it",
}

CPP = (".cpp", ".hpp")
CODE = CPP + (".sql", ".cmake", ".sh", ".py", "CMakeLists.txt")
THREADS_WELCOME = ("src/platform/", "src/transport/", "src/uplink/driver.", "src/cli/",
                   "tests/", "examples/")
SLEEP = r"\b(?:sleep_for|sleep_until|usleep|nanosleep)\b|(?<!\w)sleep\s*\("
SYSTEMS = (
    r"\b(?:_*(?:linux|unix)_*|__(?:APPLE|MACH|CYGWIN|ANDROID|FreeBSD|NetBSD|OpenBSD|QNX)__"
    r"|__QNXNTO__|_?WIN(?:32|64)|__ZEPHYR__|__(?:arm|aarch64|x86_64|amd64|i386|SSE|AVX)\w*"
    r"|__(?:ARM|riscv|mips|powerpc|MINGW|SSE|AVX)\w*|_M_\w+)\b"
)
ALL = ("",)

WORDS = [  # (view, pattern, where it is looked for, where it is welcome, what to do)
    ("code", r"\bsqlite3_\w+", ALL, ("src/store/", "src/sim/", "tests/"),
     "only src/store calls SQLite; give it a verb there"),
    ("code", r"\bsystem_clock\b", ALL, ("src/platform/", "tests/"),
     "take the time as an argument or from the Clock"),
    ("code", r"\bstd::(?:jthread|async|thread(?!\s*::\s*id))\b|\bpthread_create\b|" + SLEEP, ALL,
     THREADS_WELCOME, "only the driver, platform and transport have threads and wait"),
    ("code", SLEEP, ("tests/unit/",), (), "move the simulated clock instead of sleeping"),
    ("code", r"^[ \t]*#[ \t]*(?:el)?if(?:\\\n|.)*" + SYSTEMS, ALL, ("src/platform/",),
     "only src/platform knows the system; give it a function there"),
    ("code", r"\b(?:throw|try|catch)\b", ("src/", "include/"), (),
     "return a Status or a Result"),
    ("code", r"\busing\s+namespace\s+std\s*;", ALL, (), "name what is used"),
    ("code", r"\bdoctest\s*::\s*(?:skip|should_fail|may_fail|expected_failures)\b", ALL, (),
     "make the test pass or delete it"),
    ("code", r"^[ \t]*#[ \t]*if\s+(?:0|false)\b", ALL, (), "delete what is switched off"),
    ("raw", r"\bDISABLE[D]_\w*|\bDISABLE[D]\s+(?:TRUE|ON|1)\b|\bunittest[.]ski[p]\w*", ALL, (),
     "make the test pass or delete it"),
    ("raw", r"\b(?:FIXM[E]|TOD[O]|XX[X]|HAC[K])\b", ALL, (), "do it now or open an issue"),
]

# Besides itself, base and <edgepost/…>; None: whatever it needs. A part of a module
# (transport/mqtt) may include what the module may, and the module, but not its sibling.
MODULES = {
    "include/edgepost": (),
    "base": (),
    "platform": (),
    "bus": ("platform",),
    "wire": ("platform",),
    "tls": ("platform",),
    "store": ("platform",),
    "document": ("store", "wire"),
    "transport": ("platform", "wire", "tls"),
    "uplink": ("platform", "store", "document"),
    "subscriber": ("platform",),
    "gateway": None, "cli": None, "sim": None, "tests": None,
    "examples": (),
}
LIBRARIES = [  # (header, the modules that may include it; tests may, too)
    (r"sqlite3\w*\.h", ("store", "sim")),
    (r"(?:mosquitto|mqtt_protocol)\w*\.h", ("transport/mqtt",)),
    (r"httplib\.h", ("transport/https",)),
    (r"(?:mbedtls|psa)/.*", ("tls",)),
    (r"yyjson\.h", ("wire",)),
    (r"(?:doctest/)?doctest\.h", ()),
]
STANDARD = re.compile(r"[a-z_0-9]+")  # <vector>, <cstdint>; <stdint.h> is the system's
STANDARD_ONLY = ("include/edgepost", "base", "bus", "wire", "document", "examples")


def matches(file, pattern, view="raw"):
    """The line and the text of each match, through one view of the file."""
    seen = getattr(file, view)
    for match in re.finditer(pattern, seen, re.M):
        yield file.line(match.start()), match


def is_code(path):
    return path.endswith(CODE) or path.startswith("tools/")


def check_columns(tree):
    for path, file in tree.files.items():
        if is_code(path):
            for number, line in enumerate(file.lines, 1):
                if len(line) > 100:
                    yield path, number, f"{len(line)} columns"


def check_file_size(tree):
    for file in tree.sources():
        limit = {".cpp": 400, ".hpp": 250}[file.suffix]
        if len(file.lines) > limit:
            yield file.path, limit + 1, f"{len(file.lines)} lines, at most {limit}"


def check_function_size(tree):
    for file in tree.sources():
        for function in file.declarations:
            if function.kind in ("function", "lambda") and function.close:
                first = file.line(function.end)
                size = file.line(function.close) - first + 1
                if size > 70:
                    yield file.path, first, f"function body of {size} lines, at most 70"


def module_of(path):
    """The module a path belongs to; transport/mqtt is a part of transport."""
    parts = path.split("/")
    if parts[0] == "include":
        return "include/edgepost"
    if parts[0] != "src":
        return parts[0] if parts[0] in ("tests", "examples") else None
    if len(parts) == 2:
        return "gateway" if re.match(r"gateway\w*\.", parts[1]) else path
    return "/".join(parts[1:3]) if parts[1] == "transport" and len(parts) > 3 else parts[1]


def wrong_include(tree, path, bracket, header):
    """Why the file must not include the header, or None."""
    module = module_of(path)
    top = module.partition("/")[0] if module not in MODULES else module
    for pattern, owners in LIBRARIES:
        if re.fullmatch(pattern, header):
            allowed = module == "tests" or module in owners
            return None if allowed else f"only {' and '.join(owners + ('tests',))} may include it"
    if header.startswith("edgepost/"):
        return None
    if "../" in header:
        return "includes are relative to src/" if path.startswith(("src/", "include/")) else None
    if bracket == "<" and not header.endswith(".hpp"):
        closed = module in STANDARD_ONLY and not STANDARD.fullmatch(header)
        return f"{module} includes standard headers only" if closed else None
    if module == "tests":
        return None
    target = module_of("src/" + header)
    if target.partition("/")[0] not in MODULES:
        return "it is in no module; includes are relative to src/"
    if module in ("include/edgepost", "examples"):
        return f"{module} includes <edgepost/…> and standard headers only"
    if MODULES[top] is None or target in ("base", module, top) or target in MODULES[top]:
        return None
    return f"{module} may not include {target}"


def check_include(tree):
    for file in tree.sources("src/", "include/", "tests/", "examples/"):
        module = module_of(file.path)
        if module.partition("/")[0] not in MODULES and module not in MODULES:
            yield file.path, 1, f"{module} is not in the include table"
            continue
        for line, found in matches(file, r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)', "text"):
            why = wrong_include(tree, file.path, found.group(1), found.group(2))
            if why:
                yield file.path, line, f"{found.group(2)}: {why}"


def check_words(tree):
    for view, pattern, where, welcome, remedy in WORDS:
        for path, file in tree.files.items():
            ours = is_code(path) if view == "raw" else file.is_cpp
            if not ours or not path.startswith(where) or (welcome and path.startswith(welcome)):
                continue
            for line, found in matches(file, pattern, view):
                yield path, line, f"`{found.group().strip()}`: {remedy}"


def check_begin(tree):
    plain = re.compile(r"\bBEGIN\b\s*(?:\b(?:DEFERRED|EXCLUSIVE|TRANSACTION)\b|;|\Z)")
    alone = re.compile(r"\A\s*begin\s*(?:\b(?:deferred|exclusive|transaction)\b|;|\Z)", re.I)
    for file in tree.files.values():
        if file.suffix == ".sql":
            for found in plain.finditer(without_sql_noise(file.raw).upper()):
                yield file.path, file.line(found.start()), "a transaction that is not immediate"
        elif file.is_cpp and re.search("begin", file.raw, re.I):
            for position, content in file.strings:
                sql = without_sql_noise(content.replace("\\n", "\n "))
                if plain.search(sql) or alone.search(sql):
                    yield file.path, file.line(position), "a transaction that is not immediate"


def check_pragma_once(tree):
    for file in tree.sources():
        if file.suffix == ".hpp" and not re.match(r"\s*#\s*pragma\s+once\b", file.code):
            yield file.path, 1, "a header without a guard"


def check_macro(tree):
    for file in tree.sources("src/", "include/"):
        for line, found in matches(file, r"^[ \t]*#[ \t]*define[ \t]+(?!EDGEPOST_)(\w+)", "code"):
            yield file.path, line, f"macro {found.group(1)}"


def check_name(tree):
    for path, file in tree.files.items():
        checked = file.suffix in CPP + (".sql", ".py", ".sh") or path.startswith("tools/")
        if checked and not re.fullmatch(r"[a-z0-9_]+(?:\.[a-z]+)?|CMakeLists\.txt", file.name):
            yield path, 1, f"{file.name} is not in snake_case"
        if path.startswith(("src/", "include/")) and file.suffix in (".h", ".c", ".cc", ".cxx"):
            yield path, 1, f"{file.name} is neither .cpp nor .hpp"


def check_mirror(tree):
    for path in (file.path for file in tree.sources("tests/unit/") if file.suffix == ".cpp"):
        inner = path[len("tests/unit/"):]
        if not inner.endswith("_test.cpp"):
            if "/" in inner:
                yield path, 1, "a unit test whose name does not end in _test.cpp"
            continue
        unit = inner[: -len("_test.cpp")]
        names = {unit, unit.rpartition("/")[2]}
        tested = {f"src/{unit}.cpp", f"src/{unit}.hpp"}
        tested |= {f"include/edgepost/{name}.hpp" for name in names}
        if "/" in unit and unit.split("/")[0] == "gateway":
            tested |= {f"src/{unit.rpartition('/')[2]}.{suffix}" for suffix in ("cpp", "hpp")}
        if not tested & tree.paths:
            yield path, 1, f"there is no src/{unit}.cpp or .hpp"


def check_registered(tree):
    lists = {}  # folder: the words of its CMakeLists.txt
    for path, file in tree.files.items():
        if file.name == "CMakeLists.txt":
            text = re.sub(r"#[^\n]*", "", file.raw)
            text = re.sub(r"\$\{\w+\}/", "", text)
            lists[path.rpartition("/")[0]] = set(re.split(r"[\s()\";]+", text))
    for path in sorted(tree.files):
        sql = re.fullmatch(r"src/store/sql/[^/]+\.sql", path)
        if not sql and not re.match(r"(?:src|tests|examples)/.*\.cpp$", path):
            continue
        parts = path.split("/")
        known = False
        for depth in range(len(parts)):
            words = lists.get("/".join(parts[:depth]), set())
            names = {parts[-1], "/".join(parts[depth:])}
            if re.fullmatch(r"examples/\w+/main\.cpp", path):  # its folder names it
                names = {"/".join(parts[depth:]), parts[1]}
            known = known or bool(names & words)
        if not known:
            yield path, 1, f"no CMakeLists.txt beside or above it names {parts[-1]}"


def test_names(tree):
    """(path, line, name) of each doctest case and each case a test script announces."""
    opening = re.compile(r"\bTEST_CASE\w*\s*\((?:[^()\";]*,)?\s*$")
    for file in tree.sources("tests/"):
        if "TEST_CASE" in file.raw:
            for position, content in file.strings:
                if opening.search(file.code, max(0, position - 300), position):
                    yield file.path, file.line(position), content
    for path, file in tree.files.items():
        if path.startswith("tests/") and file.suffix == ".sh":
            for line, found in matches(file, r"^\s*# case: (.*)$"):
                yield path, line, found.group(1)


def check_promise(tree):
    contract = tree.files.get("docs/contract.md")
    if not contract:
        yield "docs/contract.md", 1, "there is no contract"
        return
    promised, proven = {}, set()
    for line, found in matches(contract, r"\bP-\d\d\b"):
        promised.setdefault(found.group(), line)
    for path, line, name in test_names(tree):
        proven |= set(re.findall(r"\[(P-\d\d)\]", name))
        for promise in re.findall(r"\bP-\w+", name):
            if promise not in promised:
                yield path, line, f"{promise} is not in docs/contract.md"
    for promise, line in promised.items():
        if promise not in proven:
            yield contract.path, line, f"no test has [{promise}] in its name"


def check_foreign(tree):
    pattern = (r"(?<![\w.)}-])/wor[k]/|\b(?:[\w-]+\.)+debia[n]\.org\b"
               r"|\bregistry\.npmj[s]\.org\b|\bfarm-(?:benc[h]|studi[o])\b")
    for file in tree.files.values():
        for line, found in matches(file, pattern):
            yield file.path, line, f"`{found.group()}`"


def check_readme(tree):
    readme, hello = (tree.files.get(name) for name in ("README.md", "examples/00_hello/main.cpp"))
    shown = readme and re.search(r"^```cpp[^\n]*\n(.*?)^```", readme.raw, re.M | re.S)
    if not shown:
        if readme and hello:
            yield readme.path, 1, f"no ```cpp block shows {hello.path}"
        return
    line, block = readme.line(shown.start()), shown.group(1).strip("\n")
    if block.count("\n") + 1 > 20:
        yield readme.path, line, f"the first program has {block.count(chr(10)) + 1} lines, max. 20"
    if hello and block.rstrip() != re.sub(r"\A(?:[ \t]*(?://[^\n]*)?\n)*", "", hello.raw).rstrip():
        yield readme.path, line, f"the first program is not {hello.path}"


def undocumented(declaration):
    """The name of what needs a comment above it, or None if it may go without."""
    head = normalise(declaration.head)
    if declaration.kind in ("type", "enum"):
        name = re.search(r"\b(?:class|struct|union|enum)\b(?: class)?(.*)", head).group(1)
        return re.sub(r" final\b|(?<!:):(?!:).*", "", name).strip() or None
    head = re.sub(r"= ?0$", "", head).strip()
    if re.match(r"(?:using|typedef|static_assert|extern template|[A-Z_]+@$)", head):
        return None
    if "@" not in head or "@@" in head or re.search(r"(?<![=!<>])=(?!=)|\boverride\b", head):
        return None
    if head.startswith("friend") and declaration.kind == "statement":
        return None
    name = re.search(r"(~?\w*)@", head).group(1)
    owner = declaration.parents and re.search(r"(\w+)(?: final)?(?: ?:[^:].*)?$",
                                              normalise(declaration.parents[-1].head))
    if owner and owner.group(1) == name:  # a constructor
        taken = re.search(rf"\b{name}\s*\(\s*([^)]*?)\s*\)", declaration.head).group(1)
        special = re.fullmatch(rf"(?:void|(?:const\s+)?{name}\s*&&?\s*\w*)?", taken)
        return None if special else name
    guide = re.match(r"(?:template )?\w+@ ARROW", head)
    assignment = owner and re.search(rf"operator\s*=\s*\((?:const\s+)?{owner.group(1)}\s*&",
                                     declaration.head)
    return None if name[:1] in ("", "~") or guide or assignment else name


def comment_above(file, number):
    """Whether a /// comment ends on the line above, notes to tools not counted."""
    for line in reversed(file.lines[: number - 1]):
        if not line.strip().startswith(("// NOLINT", "// clang-format", "#")):
            return bool(re.match(r"\s*///(?!<)", line))
    return False


def check_doc(tree):
    for file in tree.sources("include/edgepost/"):
        done = ("", 0)  # the name that has its comment, and the line it ends on
        for item in file.declarations:
            inside = {parent.kind for parent in item.parents} - {"namespace", "type"}
            private = not item.public or any(
                re.search(r"namespace.*\bdetail\b", parent.head) for parent in item.parents)
            name = None if inside or private else undocumented(item)
            if not name or item.kind == "lambda":
                continue
            first, last = file.line(item.start), file.line(item.close or item.end)
            operator = re.search(r"\boperator\b", item.head)
            behind = operator and "///<" in file.lines[file.line(item.end) - 1]
            overload = done == (name, first - 1)  # shares the comment of the line above
            if behind or overload or comment_above(file, first):
                done = (name, last)
            else:
                yield file.path, first, f"{name} has no comment"


def violations(tree):
    for rule, remedy in RULES.items():
        for path, line, what in globals()["check_" + rule](tree):
            yield path, line, rule, what if rule == "words" else f"{what}; {remedy}"


def main(arguments):
    if len(arguments) != 1 or not pathlib.Path(arguments[0]).is_dir():
        print("usage: tidy.py ROOT", file=sys.stderr)
        return 2
    tree = Tree(arguments[0])
    found = sorted(set(violations(tree)))
    for path, line, rule, what in found:
        print(f"{path}:{line}: {rule}: {what}")
    print(f"tidy: {len(found)} violations in {len(tree.files)} files, {len(RULES)} rules")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
