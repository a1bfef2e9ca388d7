"""Jobs are planned from the registry, and refused before anything starts."""

import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from kursk_claims.engine.jobs import Job, committed, plan
from kursk_claims.errors import ParameterError, RegistryError
from kursk_claims.evidence.paths import root
from kursk_claims.evidence.registry import load_registry

REGISTRY = load_registry()


def test_one_job_a_claim_and_date_in_order() -> None:
    jobs = plan(REGISTRY, ["c14", "c03"], ["2024-08-21", "2026-11-01"])
    assert [(job.claim, job.as_of) for job in jobs] == [
        ("c14", "2024-08-21"), ("c14", "2026-11-01"), ("c03", "2024-08-21"), ("c03", "2026-11-01"),
    ]  # fmt: skip
    assert len({job.output for job in jobs}) == 4


def test_other_parameters_have_another_place() -> None:
    (plain,) = plan(REGISTRY, ["c14"], ["2024-08-21"])
    (other,) = plan(REGISTRY, ["c14"], ["2024-08-21"], {"window": 6})
    assert plain.output != other.output and dict(other.parameters)["window"] == 6
    assert "-p window 6" in other.command and "window=6" in other.label


def test_a_value_stays_one_word_of_the_command() -> None:
    job = Job("c14", root() / "notebooks" / "n.ipynb", {"x": "a'; touch b #"}, Path("o.ipynb"))
    assert shlex.split(job.command)[-1] == "a'; touch b #"


def test_the_committed_notebook_gets_no_parameters() -> None:
    assert dict(committed(REGISTRY["c07"]).parameters) == {}


@pytest.mark.parametrize(
    ("claim", "day", "parameters", "error"),
    [
        ("c99", "2024-08-21", {}, RegistryError),
        ("c14", "2024-13-40", {}, ParameterError),
        ("c14", "2024-08-21", {"wndow": 3}, ParameterError),
        ("c14", "2024-08-21", {"window": "3"}, ParameterError),
    ],
)
def test_what_cannot_run_is_refused(claim: str, day: str, parameters: dict, error: type) -> None:
    with pytest.raises(error):
        plan(REGISTRY, [claim], [day], parameters)


def test_a_planned_claim_is_refused() -> None:
    planned = replace(REGISTRY["c01"], status="planned")
    others = tuple(entry for entry in REGISTRY.claims if entry.id != "c01")
    with pytest.raises(RegistryError, match="c01 is planned: it has no notebook yet"):
        plan(replace(REGISTRY, claims=(planned, *others)), ["c01"], ["2024-08-21"])
