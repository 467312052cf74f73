"""The documentation's promises: every snippet does what stands beside it, every table is what the code says.

What the word behind ``` says of a snippet:

    cnet                a file in which nothing is found; with a model, it is built in Keras as well. Behind it may
                        stand what `specc check` prints of it, as ```text; then that is found, and nothing is built
    cnet NAME.cnet      the same; the snippets of the page below it find the file under that name
    cnet body           statements of a model, built with those of the inputs in `cnet inputs` that they read; if they
                        have no output, what they bind and do not read is one
    cnet faulty KIND …  statements likewise, or a file with a model, in which these kinds are found, each once
    cnet inputs         the inputs for `body`, once for all pages
    python              runs behind those above it on its page, in the folder of its files
"""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

import pytest

import specc
from specc import catalogue
from specc.constructs import BY_NAME
from specc.diagnostics import Sink
from specc.diagnostics.render.full import full
from specc.findings import KINDS
from specc.graph.arrays import MAXIMAL_ELEMENTS
from specc.graph.calls import CONDITIONED
from specc.graph.evaluate import MAXIMAL_RANGE
from specc.graph.library import LIBRARY
from specc.graph.state import MAXIMAL_BLOCKS, MAXIMAL_CHAIN, MAXIMAL_DEPTH, MAXIMAL_NODES, MAXIMAL_STEPS
from specc.graph.totals import FIGURES
from specc.graph.training import SETTINGS
from specc.source import Source
from specc.syntax import ast
from specc.syntax.build import MAXIMAL_OPERATORS, MAXIMAL_STRING
from specc.syntax.format import formatted
from specc.syntax.parse import MAXIMAL_NESTING, MAXIMAL_TEXT
from specc.types import DTYPES, INTEGER_LIMIT
from tests.literature.files import library, syntax

ROOT: Final = Path(__file__).parents[1]
DOCS: Final = ROOT / "docs"
PAGES: Final = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
LANGUAGE: Final = (DOCS / "language.md").read_text(encoding="utf-8")

FENCE: Final = re.compile(r"^```(\S*)([^\n]*)\n(.*?)^```$(?:\n\n```text\n(.*?)^```$)?", re.DOTALL | re.MULTILINE)
INPUTS: Final = re.compile(r"^```cnet inputs\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Snippet:
    """A piece of code on a page; `shown` is the text block right behind it."""

    page: Path
    line: int
    language: str
    info: tuple[str, ...]
    text: str
    shown: str | None

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def name(self) -> str:
        """The file that it is written to: as it says itself, as its findings say, or any."""
        if self.info and self.info[0].endswith(".cnet"):
            return self.info[0]
        said = re.search(r"^ *--> (\S+\.cnet):", self.shown or "", re.MULTILINE)
        return said[1] if said else "snippet.cnet"

    @property
    def file(self) -> str:
        """The snippet as a whole file."""
        statements = self.info[:1] in (("body",), ("faulty",)) and not re.search(r"^model ", self.text, re.MULTILINE)
        return wrapped(self.text) if statements else self.text

    @property
    def kinds(self) -> list[str]:
        """The kinds that it is to have, sorted."""
        return sorted(self.info[1:]) if self.info[:1] == ("faulty",) else []


def snippets(page: Path) -> Iterator[Snippet]:
    text = page.read_text(encoding="utf-8")
    for found in FENCE.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        yield Snippet(page, line, found[1], tuple(found[2].split()), found[3], found[4])


def wrapped(statements: str) -> str:
    """Statements as a model that has the inputs that they read, and outputs."""
    (declared,) = INPUTS.findall(LANGUAGE)
    words = Counter(re.findall(r"\w+", re.sub(r"#.*", "", statements)))
    own = set(re.findall(r"^input (\w+)", statements, re.MULTILINE))
    inputs = [line for line in declared.splitlines() if line.split()[1].strip(":") in set(words) - own]
    bound = [] if words["output"] else re.findall(r"^(\w+(?:, *\w+)*) *= ", statements, re.MULTILINE)
    outputs = [f"output {name}" for names in bound for name in names.split(", ") if words[name] == 1]
    return "\n".join(["model shown {", *inputs, statements, *outputs, "}", ""])


ALL: Final = [each for page in PAGES for each in snippets(page)]
CNET: Final = [each for each in ALL if each.language == "cnet" and each.info != ("inputs",)]
PYTHON: Final = sorted({each.page for each in ALL if each.language == "python"} - {ROOT / "README.md"})
"""The pages with code that runs here; that of the README is run with its examples in tests/test_readme.py."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the arrays that the examples load."""
    shutil.copy(ROOT / "examples" / "stencils.npy", tmp_path)
    return tmp_path


def written(snippet: Snippet, folder: Path) -> Path:
    """The file of a snippet, beside those that its page names above it."""
    for other in snippets(snippet.page):
        if other.language == "cnet" and other.line <= snippet.line and (other.line == snippet.line or other.info):
            path = folder / other.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(other.file, encoding="utf-8")
    return folder / snippet.name


# Snippets


@pytest.mark.parametrize("snippet", CNET, ids=str)
def test_a_snippet_is_what_it_is_said_to_be(snippet: Snippet, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(snippet, folder)
    monkeypatch.chdir(folder)
    found = specc.check(path.relative_to(folder))
    if snippet.shown is not None:
        assert full(found) == snippet.shown
    else:
        assert sorted(each.kind.id for each in found) == snippet.kinds, full(found)


@pytest.mark.slow
@pytest.mark.parametrize(
    "snippet", [each for each in CNET if not each.kinds and each.shown is None and "model " in each.file], ids=str
)
def test_a_snippet_without_faults_can_be_built(snippet: Snippet, folder: Path) -> None:
    path = written(snippet, folder)
    for name in re.findall(r"^model (\w+)", snippet.file, re.MULTILINE):
        assert specc.build(path, name).outputs


@pytest.mark.parametrize("snippet", [each for each in CNET if each.file == each.text], ids=str)
def test_a_whole_file_is_formatted(snippet: Snippet) -> None:
    # One with faults of syntax can not be.
    assert formatted(Source(snippet.text), Sink()) in (snippet.text, None)


def test_every_snippet_says_what_it_is() -> None:
    assert len(INPUTS.findall(LANGUAGE)) == 1
    for each in ALL:
        assert each.language in {"cnet", "python", "sh", "console", "text"}, each
        if each.info[:1] == ("faulty",):
            assert each.kinds and set(each.kinds) <= {kind.id for kind in KINDS}, each
        elif each.info:
            assert each.language == "cnet" and each.info in (("body",), ("inputs",), (each.name,)), each


@pytest.mark.slow
@pytest.mark.parametrize("page", PYTHON, ids=lambda page: page.stem)
def test_the_python_of_a_page_runs(page: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    known: dict[str, Any] = {}
    for each in snippets(page):
        if each.language == "cnet" and each.info:
            (folder / each.name).write_text(each.file, encoding="utf-8")
        elif each.language == "python":
            exec(compile("\n" * each.line + each.text, str(page), "exec"), known)


def test_a_link_leads_somewhere() -> None:
    for page in PAGES:
        text = FENCE.sub("", page.read_text(encoding="utf-8"))
        for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
            assert link.startswith("https://") or (page.parent / link).exists(), f"{page.name}: {link}"
        for other, anchor in re.findall(r"\]\(([^)#\s]*)#([^)]*)\)", text):
            goal = (page.parent / other if other else page).read_text(encoding="utf-8")
            heads = re.findall(r"^#+ (.*)$", goal, re.MULTILINE)
            anchors = [re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads]
            assert anchor in anchors, f"{page.name}: {other}#{anchor}"


def test_every_figure_is_shown_and_says_what_it_shows() -> None:
    figures = sorted((DOCS / "figures").glob("*.svg"))
    shown = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    for figure in figures:
        assert f"figures/{figure.name})" in shown
        title = ElementTree.parse(figure).getroot().find("{http://www.w3.org/2000/svg}title")
        assert title is not None and title.text


# Tables


def rows(text: str, head: str) -> list[list[str]]:
    """The cells of the table whose first line begins like this."""
    (table,) = re.findall(rf"^\| {re.escape(head)}.*\n\|[-| ]+\n((?:\|.*\n)+)", text, re.MULTILINE)
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()]


def test_the_bounds_are_those_of_the_code() -> None:
    bounds: Mapping[str, int] = {
        "characters of text": MAXIMAL_TEXT,
        "characters of a string": MAXIMAL_STRING,
        "brackets in brackets": MAXIMAL_NESTING,
        "operators in one expression": MAXIMAL_OPERATORS,
        "rounds of one `for`": MAXIMAL_RANGE,
        "nodes made by `for`, blocks and named layers": MAXIMAL_NODES,
        "expressions and stages worked out inside of them": MAXIMAL_STEPS,
        "blocks in blocks": MAXIMAL_BLOCKS,
        "names that wait for names further down": MAXIMAL_CHAIN,
        "expressions in expressions, blocks included": MAXIMAL_DEPTH,
        "an integer, the elements of a weight or of a tensor per sample": INTEGER_LIMIT - 1,
        "elements of a loaded array": MAXIMAL_ELEMENTS,
    }
    assert rows(LANGUAGE, "at most") == [[f"{bound:,}", what] for what, bound in bounds.items()]


def test_the_list_of_keywords_is_that_of_the_grammar() -> None:
    grammar = (ROOT / "grammar" / "cnet.lark").read_text(encoding="utf-8")
    rules = re.sub(r"^//.*", "", grammar, flags=re.MULTILINE)
    (listed,) = re.findall(r"^The keywords are ((?:`\w+`[,.]?\s+(?:and )?)+)", LANGUAGE, re.MULTILINE)
    assert sorted(re.findall(r"`(\w+)`", listed)) == sorted(set(re.findall(r'"([a-z]+)"', rules)))


@pytest.mark.parametrize(
    ("lead", "names"),
    [
        ("The dtypes are", DTYPES),
        ("The ops are", catalogue.operation_names()),
        ("A contract speaks of", (*FIGURES, "shape", "dtype")),
        ("The settings are", SETTINGS),
    ],
)
def test_a_list_of_names_is_that_of_the_code(lead: str, names: tuple[str, ...]) -> None:
    (paragraph,) = re.findall(rf"^{lead} (.*?)(?:\.\s|\.$|:\n)", LANGUAGE, re.MULTILINE | re.DOTALL)
    assert sorted(re.findall(r"`(\w+)[^`]*`", paragraph)) == sorted(names)


def test_every_construct_has_its_page() -> None:
    table = rows(LANGUAGE, "construct")
    named = [{name for name in re.findall(r"\b(\w+)\(", cells[1]) if name in BY_NAME} for cells in table]
    assert set().union(*named) == set(BY_NAME)
    for cells, names in zip(table, named, strict=True):
        ((title, link),) = re.findall(r"\[(\w+)\]\((.*)\)", cells[0])
        text = (DOCS / link).read_text(encoding="utf-8")
        assert link == f"constructs/{title}.md"
        for part in (f"](../figures/{title}.svg)", *(f"**{law}.**" for law in ("Shape", "Value", "Gradient", "Cost"))):
            assert part in text, f"{link}: {part}"
        assert "## Refused" in text
        assert all(f"{name}(" in text for name in names)
    assert sorted(path.name for path in (DOCS / "constructs").iterdir()) == sorted(
        re.findall(r"constructs/(\w+\.md)", " ".join(cells[0] for cells in table))
    )


def test_the_layers_whose_kernel_may_come_from_the_graph_are_those_of_the_code() -> None:
    page = (DOCS / "constructs" / "kernel.md").read_text(encoding="utf-8")
    (paragraph,) = re.findall(r"^The layers are (.*?)\.$", page, re.MULTILINE | re.DOTALL)
    text = "model m {{\n  input x: float32[4, 4, 4, 4]\n  output y = x -> {name}(kernel=3)\n}}\n"
    taking = []
    for name in catalogue.layer_names():
        entry = catalogue.layer(name)
        unknown = any("no argument `kernel`" in found.message for found in specc.check(text.format(name=name)))
        if entry is not None and entry.name == name and not unknown:
            taking.append(name)
    assert sorted(re.findall(r"`(\w+)`", paragraph)) == sorted(taking)
    assert CONDITIONED == ("kernel", "bias")


def test_the_table_of_findings_is_that_of_the_code() -> None:
    page = (DOCS / "findings.md").read_text(encoding="utf-8")
    assert rows(page, "kind") == [[f"`{kind.id}`", kind.severity.value, kind.explanation] for kind in KINDS]


def table_of_the_library() -> list[list[str]]:
    """Each block of the library with its parameters, its inputs, and what it says of itself."""
    blocks = library()
    file = syntax(LIBRARY / "std.cnet")
    made = []
    for name, block in blocks.items():
        given = [f"{each.name}={each.default.span.text}" if each.default else each.name for each in block.parameters]
        inputs = [each.name for each in block.body if isinstance(each, ast.Input)]
        outputs = [each.name for each in block.body if isinstance(each, ast.Output)]
        arriving = inputs[0] if len(inputs) == 1 else f"({', '.join(inputs)})"
        said = " ".join(file.documentation(block).split())
        made.append([f"`{', '.join(outputs)} = {arriving} -> {name}({', '.join(given)})`", said])
    return made


def test_the_table_of_the_library_is_that_of_its_blocks() -> None:
    assert rows((DOCS / "library.md").read_text(encoding="utf-8"), "block") == table_of_the_library()
