"""What `specc explain` shows."""

from __future__ import annotations

from collections.abc import Callable
from textwrap import dedent

from specc.diagnostics import Diagnostic, Kind, Severity
from specc.diagnostics.explain import explanation

KIND = Kind(
    id="unused-binding",
    explanation="""
        Nothing reads the name.

        Take it away, or use it.
    """,
    faulty="""
        model m {
          a = 1
        }
    """,
    mended="model m {\n}\n",
    severity=Severity.WARNING,
)


def test_explanation_shows_the_kind_and_what_is_reported_of_its_fault(found: Callable[..., Diagnostic]) -> None:
    reported = found("model m {\n  «a» = 1\n}\n", message="nothing reads `a`", severity=Severity.WARNING)
    expected = """\
        warning[unused-binding]

        Nothing reads the name.

        Take it away, or use it.

        This spec has the fault:

            model m {
              a = 1
            }

        What is reported:

            warning[unused-binding]: nothing reads `a`
             --> m.cnet:2:3
              |
            2 |   a = 1
              |   ^

        This one does not:

            model m {
            }
    """
    assert explanation(KIND, [reported]) == dedent(expected)


def test_without_a_report_its_section_is_left_out() -> None:
    text = explanation(KIND)
    assert "What is reported" not in text
    assert "This spec has the fault:\n\n    model m {\n      a = 1\n    }\n\nThis one does not:" in text


def test_colour_is_only_given_when_asked_for(found: Callable[..., Diagnostic]) -> None:
    reported = found("«a» = 1", severity=Severity.WARNING)
    assert "\x1b" not in explanation(KIND, [reported])
    coloured = explanation(KIND, [reported], colour=True)
    assert coloured.startswith("\x1b[1;33mwarning[unused-binding]\x1b[0m\n\nNothing")
    assert "\x1b[1;33m^\x1b[0m" in coloured
