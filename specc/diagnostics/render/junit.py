"""JUnit XML, which nearly every CI service shows: https://github.com/testmoapp/junitxml."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from specc.diagnostics.model import Diagnostic, Severity
from specc.diagnostics.render.escape import visible
from specc.diagnostics.render.full import finding


def junit(diagnostics: Iterable[Diagnostic]) -> str:
    """A test case for each finding, or one that passes when nothing was found.

    An error is a failure. JUnit knows no warnings: one is a test case that passes, as the check does, with the warning
    as its output.
    """
    found = list(diagnostics)
    failures = sum(diagnostic.severity is Severity.ERROR for diagnostic in found)
    counts = {"tests": str(max(len(found), 1)), "failures": str(failures), "errors": "0"}
    suites = Element("testsuites", {"name": "specc", **counts})
    suite = SubElement(suites, "testsuite", {"name": "specc", **counts})
    for diagnostic in found:
        _case(suite, diagnostic)
    if not found:
        SubElement(suite, "testcase", {"classname": "specc", "name": "check"})
    indent(suites)
    # In ASCII, so that the declared encoding holds however the text is written.
    document: bytes = tostring(suites, encoding="us-ascii", xml_declaration=True)
    return document.decode() + "\n"


def _case(suite: Element, diagnostic: Diagnostic) -> None:
    path, kind = visible(diagnostic.source.name), diagnostic.kind.id
    name = f"{kind} at {diagnostic.line}:{diagnostic.column}"
    place = {"file": path, "line": str(diagnostic.line)}
    case = SubElement(suite, "testcase", {"classname": path, "name": name, **place})
    if diagnostic.severity is Severity.ERROR:
        report = SubElement(case, "failure", {"type": kind, "message": visible(diagnostic.message)})
    else:
        report = SubElement(case, "system-out")
    report.text = finding(diagnostic)
