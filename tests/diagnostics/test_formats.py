"""What programs read: each format holds what was found, in its own terms."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from xml.etree import ElementTree

import pytest

from specc.diagnostics import Diagnostic, Severity
from specc.diagnostics.render import FORMATS

Found = Callable[..., Diagnostic]


def test_formats_are_named_and_ordered() -> None:
    assert list(FORMATS) == ["full", "concise", "json", "sarif", "github", "gitlab", "junit"]


@pytest.mark.parametrize("name", FORMATS)
def test_output_is_ended_lines(found: Found, name: str) -> None:
    assert FORMATS[name](iter([found("«x»"), found("«x»", severity=Severity.WARNING)])).endswith("\n")
    assert FORMATS[name]([])[-1:] in ("", "\n")


def test_only_the_format_in_use_is_imported() -> None:
    program = (
        "import sys; from specc.diagnostics.render import FORMATS; FORMATS['concise']([]);"
        "print(*sorted(name for name in sys.modules if name.startswith('specc.diagnostics.render.')))"
    )
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert loaded.split() == ["specc.diagnostics.render.concise", "specc.diagnostics.render.escape"]


def test_concise(found: Found) -> None:
    findings = [found("\nx -> «Danse»", help="no"), found("«x»", message="unused", severity=Severity.WARNING)]
    assert FORMATS["concise"](findings) == (
        "m.cnet:2:6: error[unknown-layer]: there is no layer `Danse`\nm.cnet:1:1: warning[unused-binding]: unused\n"
    )


def test_json(found: Found) -> None:
    diagnostic = found("«日» =\n«Danse»", "", "not a layer", primary=1, help="a\nb")
    report = json.loads(FORMATS["json"]([diagnostic, found("«x»", severity=Severity.WARNING)]))
    assert report["version"] == 1
    assert report["counts"] == {"error": 1, "warning": 1}
    assert report["diagnostics"][0] == {
        "kind": "unknown-layer",
        "severity": "error",
        "message": "there is no layer `Danse`",
        "help": "a\nb",
        "labels": [
            {
                "path": "m.cnet",
                "text": "not a layer",
                "start": {"offset": 4, "line": 2, "column": 1},
                "end": {"offset": 9, "line": 2, "column": 6},
            },
            {
                "path": "m.cnet",
                "text": "",
                "start": {"offset": 0, "line": 1, "column": 1},
                "end": {"offset": 1, "line": 1, "column": 2},
            },
        ],
    }
    assert report["diagnostics"][1]["help"] is None


def test_json_without_findings() -> None:
    assert json.loads(FORMATS["json"]([])) == {
        "version": 1,
        "counts": {"error": 0, "warning": 0},
        "diagnostics": [],
    }


def test_github(found: Found) -> None:
    diagnostic = found("x -> «Danse»", name="a,b:c%.cnet", message="50% :: of\nit", help="one\ntwo")
    assert FORMATS["github"]([diagnostic]) == (
        "::error file=a%2Cb%3Ac%25.cnet,line=1,col=6,endLine=1,endColumn=11,title=unknown-layer"
        "::50%25 :: of\\nit%0Ahelp: one%0Ahelp: two\n"
    )


def test_github_takes_no_columns_for_several_lines(found: Found) -> None:
    assert FORMATS["github"]([found("x «=\n1» y", severity=Severity.WARNING, message="m")]) == (
        "::warning file=m.cnet,line=1,endLine=2,title=unused-binding::m\n"
    )


def test_gitlab(found: Found) -> None:
    (entry,) = json.loads(FORMATS["gitlab"]([found("x -> «Dan\nse»", name="./a/m.cnet")]))
    assert len(entry.pop("fingerprint")) == 32
    assert entry == {
        "description": "there is no layer `Danse`",
        "check_name": "unknown-layer",
        "severity": "major",
        "location": {
            "path": "a/m.cnet",
            "positions": {"begin": {"line": 1, "column": 6}, "end": {"line": 2, "column": 3}},
        },
    }
    (entry,) = json.loads(FORMATS["gitlab"]([found("«x»", severity=Severity.WARNING)]))
    assert entry["severity"] == "minor"


def gitlab_fingerprints(*findings: Diagnostic) -> list[str]:
    return [entry["fingerprint"] for entry in json.loads(FORMATS["gitlab"](findings))]


def test_fingerprints_survive_what_moves_a_line(found: Found) -> None:
    before = found("x -> «Danse»\n")
    moved = found("# new\n\n    x  ->   «Danse»\n\n", message="worded anew")
    assert gitlab_fingerprints(before) == gitlab_fingerprints(moved)


def test_fingerprints_tell_findings_apart(found: Found) -> None:
    findings = [
        found("x -> «Danse»\n"),
        found("«x» -> Danse\n"),
        found("y -> «Danse»\n"),
        found("x -> «Danse»\n", name="other.cnet"),
        found("x -> «Danse»\n", severity=Severity.WARNING),
    ]
    assert len({gitlab_fingerprints(one)[0] for one in findings}) == len(findings)


def test_fingerprints_tell_equal_lines_apart(found: Found) -> None:
    first, second = found("x -> «Danse»\nx -> Danse"), found("x -> Danse\nx -> «Danse»")
    together = gitlab_fingerprints(first, second)
    assert together[0] != together[1]
    assert together == gitlab_fingerprints(first, second)


def test_junit(found: Found) -> None:
    error = found("x -> «Danse»", "here", name="a/m.cnet")
    warning = found("\n«x» = 1", message="unused", severity=Severity.WARNING)
    suites = ElementTree.fromstring(FORMATS["junit"]([error, warning]))
    assert (suites.tag, suites.attrib) == (
        "testsuites",
        {"name": "specc", "tests": "2", "failures": "1", "errors": "0"},
    )
    (suite,) = suites
    failing, passing = suite
    assert failing.attrib == {
        "classname": "a/m.cnet",
        "name": "unknown-layer at 1:6",
        "file": "a/m.cnet",
        "line": "1",
    }
    (failure,) = failing
    assert (failure.tag, failure.attrib) == (
        "failure",
        {"type": "unknown-layer", "message": "there is no layer `Danse`"},
    )
    assert failure.text is not None
    assert "1 | x -> Danse\n  |      ^^^^^ here\n" in failure.text
    (output,) = passing
    assert output.tag == "system-out"
    assert output.text is not None
    assert output.text.startswith("warning[unused-binding]: unused\n --> m.cnet:2:1\n")


def test_junit_without_findings_is_one_test_that_passes() -> None:
    (suite,) = ElementTree.fromstring(FORMATS["junit"]([]))
    assert suite.attrib == {"name": "specc", "tests": "1", "failures": "0", "errors": "0"}
    (case,) = suite
    assert (case.tag, case.attrib, len(case)) == ("testcase", {"classname": "specc", "name": "check"}, 0)
