"""How the checker reads a tree: its files, and just enough C++ to judge them.

This is no parser. A C++ file is seen three ways, all of the same length, so that a position
means the same in each: `raw`; `text` without comments; `code` without comments and without the
content of literals. `declarations` walks the braces of `code` down to function level.
"""

import bisect
import functools
import os
import pathlib
import re
import subprocess

# Literals and comments in the order C++ finds them; numbers, for the ' between their digits.
TOKEN = re.compile(
    r'(?P<raw>(?<!\w)(?:u8|[uUL])?R"(?P<tag>[^()\\\s"]{0,16})\((?P<body>.*?)\)(?P=tag)")'
    r'|(?P<string>"(?:\\.|[^"\\\n])*")'
    r"|(?P<number>(?<!\w)\d(?:'?[\w.])*)"
    r"|(?P<character>'(?:\\.|[^'\\\n])+')"
    r"|(?P<comment>//(?:\\\n|[^\n])*|/\*.*?\*/)",
    re.S,
)
SQL_NOISE = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:''|[^'])*'", re.S)
DIRECTIVE = r"^[ \t]*#(?:\\\n|[^\n])*"
BRACE_OR_DIRECTIVE = re.compile(DIRECTIVE + r"|[{};]", re.M)
ACCESS = re.compile(r"\s*(public|protected|private)\s*:(?!:)")

# On a normalised head (see normalise): @ is a pair of parentheses, $ a pair of braces.
LAMBDA = re.compile(r"(?<![\w\]@$])\[[^\[\]]*\]\s*@?\s*(?:mutable|noexcept|ARROW[^,;]*|\s)*$")
NAMESPACE = re.compile(r'\bnamespace\b|^extern\s*"\s*"$|\bTEST_SUITE\s*@')
TYPE = re.compile(r"\b(class|struct|union|enum)\b")
ASSIGNMENT = re.compile(r"(?<![=!<>])=(?!=)")
MEMBER_INITIALISERS = re.compile(r"@.*(?<!:):(?!:)")
FUNCTION_TAIL = re.compile(
    r"(?:@|&|\b(?:const|noexcept|override|final)|ARROW.*|\brequires\b.*|\b[A-Z_]+)$"
)


def blank(text):
    """The same length and the same lines, nothing else."""
    return re.sub(r"[^\n]", " ", text)


def without_sql_noise(sql):
    return SQL_NOISE.sub(lambda match: blank(match.group()), sql)


def normalise(head):
    """A declaration on one line, with its parentheses, braces and template arguments folded."""
    head = re.sub(r"\[\[.*?\]\]", " ", head, flags=re.S)
    before = None
    while before != head:
        before = head
        head = re.sub(r"\([^(){}]*\)", "@", head)
        head = re.sub(r"\{[^(){}]*\}", "$", head)
    head = re.sub(r"\boperator\s*(?:@|\[\s*\]|\"\s*\"\s*\w*|[^\s\w@$]+)\s*(?=@)", "operator", head)
    head = head.replace("->", " ARROW ")
    before = None
    while before != head:
        before = head
        head = re.sub(r"<[^<>]*>", " ", head)
    head = re.sub(r"\b(?:alignas|decltype|explicit|noexcept)\s*@", " ", head)
    return re.sub(r"\s+(?=[\[@]|::)", "", re.sub(r"\s+", " ", head)).strip()


def kind_of_brace(head):
    """What the brace after this head opens: namespace, type, enum, function, lambda or value."""
    head = normalise(head)
    if LAMBDA.search(head):
        return "lambda"
    if "(" in head:
        return "value"
    if NAMESPACE.search(head):
        return "namespace"
    if ASSIGNMENT.search(head) or re.search(r"\brequires@?$", head):
        return "value"
    keyword = TYPE.search(head)
    if keyword and not head.endswith("@"):
        return "enum" if keyword.group() == "enum" else "type"
    if MEMBER_INITIALISERS.search(head):
        return "function" if head[-1] in "@$." else "value"
    return "function" if "@" in head and FUNCTION_TAIL.search(head) else "value"


class Declaration:
    """From `start` to its `;` or `{` at `end`, and to the matching `}` at `close`."""

    def __init__(self, kind, head, start, end, parents):
        self.kind, self.head, self.parents = kind, head.strip(), parents
        self.start, self.end, self.close = start, end, None
        self.public = all(parent.access == "public" for parent in parents)
        self.access = "private" if kind == "type" and self.is_class() else "public"

    def is_class(self):
        return TYPE.search(normalise(self.head)).group() == "class"


class Scanner:
    """Walks the braces; what stands inside a function belongs to that function."""

    def __init__(self, code):
        self.code = re.sub(DIRECTIVE, lambda match: blank(match.group()), code, flags=re.M)
        self.found, self.stack, self.start, self.branches = [], [], 0, []
        for match in BRACE_OR_DIRECTIVE.finditer(code):
            if match.group() in ("{", "}", ";"):
                {"{": self.open, "}": self.shut, ";": self.end}[match.group()](match.start())
            else:
                self.branch(match.group().strip(" \t#"))

    def branch(self, directive):
        """Both branches of an #if start in the same place, whatever braces the first opened."""
        if directive.startswith("if"):
            self.branches.append((list(self.stack), self.start))
        elif directive.startswith("el") and self.branches:
            self.stack, self.start = list(self.branches[-1][0]), self.branches[-1][1]
        elif directive.startswith("endif") and self.branches:
            self.branches.pop()

    def declare(self, kind, position):
        parents = tuple(declaration for declaration, _ in self.stack)
        while parents and parents[-1].kind == "type":
            label = ACCESS.match(self.code, self.start, position)
            if not label:
                break
            parents[-1].access, self.start = label.group(1), label.end()
        head = self.code[self.start : position]
        begin = self.start + len(head) - len(head.lstrip())
        return Declaration(kind or kind_of_brace(head), head, begin, position, parents)

    def inside_function(self):
        return bool(self.stack) and self.stack[-1][0].kind in ("function", "lambda", "block")

    def open(self, position):
        declaration = self.declare("block" if self.inside_function() else None, position)
        if declaration.kind not in ("block", "value"):
            self.found.append(declaration)
        self.stack.append((declaration, self.start))
        self.start = position + 1

    def shut(self, position):
        if not self.stack:
            return
        declaration, start = self.stack.pop()
        declaration.close = position
        goes_on = declaration.kind in ("value", "lambda")
        self.start = start if goes_on else position + 1

    def end(self, position):
        if not self.inside_function():
            declaration = self.declare("statement", position)
            if declaration.head:
                self.found.append(declaration)
        self.start = position + 1


class File:
    """One text file of the tree; the C++ views are made when a rule first asks for them."""

    def __init__(self, path, raw):
        self.path, self.raw = path, raw
        self.name = path.rpartition("/")[2]
        self.suffix = pathlib.PurePosixPath(path).suffix
        self.lines = raw.split("\n")
        if not self.lines[-1]:
            self.lines.pop()
        self.is_cpp = self.suffix in (".cpp", ".hpp")

    @functools.cached_property
    def line_starts(self):
        return [0] + [match.end() for match in re.finditer("\n", self.raw)]

    def line(self, position):
        return bisect.bisect_right(self.line_starts, position)

    @functools.cached_property
    def views(self):
        strings, text, code, last = [], [], [], 0
        for match in TOKEN.finditer(self.raw):
            token, kind = match.group(), match.lastgroup
            between = self.raw[last : match.start()]
            last = match.end()
            text += [between, blank(token) if kind == "comment" else token]
            code.append(between)
            if kind in ("raw", "string"):
                content = match.group("body") if kind == "raw" else token[1:-1]
                strings.append((match.start(), match.end(), content))
                code.append('"' + blank(token[1:-1]) + '"')
            else:
                code.append(token if kind == "number" else blank(token))
        tail = self.raw[last:]
        return "".join(text) + tail, "".join(code) + tail, strings

    @property
    def text(self):
        return self.views[0]

    @property
    def code(self):
        return self.views[1]

    @functools.cached_property
    def strings(self):
        """(position, content) of each literal; neighbours are one literal, as in C++."""
        joined, end = [], None
        for start, stop, content in self.views[2]:
            if end is not None and not self.code[end:start].strip():
                joined[-1] = (joined[-1][0], joined[-1][1] + content)
            else:
                joined.append((start, content))
            end = stop
        return joined

    @functools.cached_property
    def declarations(self):
        return Scanner(self.code).found


class Tree:
    """The text files under a root: what git tracks or would track, else whatever is there."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.paths = set()
        self.files = {}
        for path in sorted(self.list()):
            try:
                content = (self.root / path).read_bytes()
            except OSError:  # deleted but still in the index, a directory, a dead link
                continue
            self.paths.add(path)
            if b"\0" not in content[:8192]:
                self.files[path] = File(path, content.decode("utf-8", "replace"))

    def list(self):
        command = ["git", "ls-files", "-coz", "--exclude-standard"]
        listed = None
        if (self.root / ".git").exists():
            listed = subprocess.run(command, cwd=self.root, capture_output=True, text=True)
        if listed and listed.returncode == 0:
            return {path for path in listed.stdout.split("\0") if path and path[:6] != "build/"}
        return set(self.walk())

    def walk(self):
        for folder, folders, names in os.walk(self.root):
            folders[:] = [name for name in folders if name not in (".git", "build", "__pycache__")]
            for name in names:
                yield pathlib.Path(folder, name).relative_to(self.root).as_posix()

    def sources(self, *prefixes):
        """The C++ files whose path starts with one of the prefixes (all, when none is given)."""
        wanted = prefixes or ("",)
        return [file for file in self.files.values()
                if file.is_cpp and file.path.startswith(wanted)]
