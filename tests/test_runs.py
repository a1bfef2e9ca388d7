"""Every notebook, run for real: by plain Papermill, and again as committed."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import nbformat
import papermill
import pytest

from kursk_claims.display import record as records
from kursk_claims.engine.execute import execute
from kursk_claims.engine.jobs import Job, plan
from kursk_claims.engine.runner import run
from kursk_claims.evidence.paths import root
from kursk_claims.evidence.registry import load_registry
from kursk_claims.evidence.results import load_results
from tests.notebooks import READY, figures, outputs, path

each = pytest.mark.parametrize("entry", READY, ids=lambda entry: entry.id)
OTHER = {
    "c01": {"as_of": "2024-08-13", "guests": "leave_out", "doubtful": "count", "least_days": 7},
    "c02": {"as_of": "2024-08-15", "sources": "not_russia", "first_days": 7, "pooling": "mixture"},
    "c03": {"as_of": "2024-10-20", "series": "governor", "reading": "point"},
    "c04": {"as_of": "2024-09-10", "judged_on": "as_of", "words": "any", "recent_days": 7},
    "c05": {"as_of": "2024-08-14", "against": "largest", "emergency": "federal"},
    "c06": {"as_of": "2025-02-10", "judged_on": "as_of", "window_days": 7, "reports": "units"},
    "c07": {"as_of": "2025-01-15", "many_months": 3, "outline": "military", "word_of": "ukraine"},
    "c08": {"as_of": "2025-06-30", "window_days": 21, "comparators": "one_sector", "fast": 1.0},
    "c09": {"as_of": "2024-12-15", "reading": "point", "break_on": "2024-08-21", "donors": "us"},
    "c10": {"as_of": "2024-09-15", "start_minute": "08:00", "steps": "words", "delay": "point"},
    "c11": {"as_of": "2024-08-10", "many": 3, "stance": "either", "loyalty": "yes_or_mixed"},
    "c12": {"as_of": "2025-06-01", "judged_on": "as_of", "measure": "election", "rivals": "anyone"},
    "c13": {"as_of": "2024-08-09", "consent": "assumed", "opponents": "politicians"},
    "c14": {"as_of": "2015-01-01", "pollster": "vtsiom", "window": 1, "outcome": "net"},
    "c15": {"as_of": "2025-03-20", "questions": "all", "waves": "year", "trend": "linear"},
    "c16": {"as_of": "2025-06-15", "horizon_months": 12, "land_km2": 10.0, "links": "implicit"},
    "c17": {"as_of": "2025-01-15", "least_km2": 500.0, "concession": "any_deal"},
    "c18": {"as_of": "2024-10-05", "measure": "army", "wave": "first", "margin_pp": 5.0},
}
REGISTRY = load_registry()
RESULTS = load_results(REGISTRY)
BEFORE_ANYTHING = {"as_of": "1990-01-01"}


def run_plainly(entry, tmp_path: Path, parameters: dict) -> dict:
    notebook = papermill.execute_notebook(
        path(entry), tmp_path / "out.ipynb", parameters=parameters, kernel_name="kursk-warm",
        progress_bar=False,
    )  # fmt: skip
    assert {output.output_type for output in outputs(notebook)} <= {
        "display_data",
        "execute_result",
    }
    assert len(figures(notebook)) >= 2
    found = records.find(notebook)
    records.validate(found)
    return found


@pytest.mark.filterwarnings("ignore::UserWarning:papermill")
@pytest.mark.filterwarnings("ignore:Kernel is running over TCP")
@each
def test_a_second_set_of_parameters(entry, tmp_path: Path) -> None:
    found = run_plainly(entry, tmp_path, OTHER[entry.id])
    assert {**found["parameters"], **OTHER[entry.id]} == found["parameters"]


@each
def test_before_any_evidence_it_is_unresolved_and_does_not_fail(entry, tmp_path: Path) -> None:
    found = run_plainly(entry, tmp_path, BEFORE_ANYTHING)
    assert found["verdict"] == "unresolved"
    assert set(found["robustness"]["shares"]) == {"unresolved"}


@each
def test_the_committed_notebook_reproduces_byte_for_byte(entry, tmp_path: Path) -> None:
    outcome = execute(Job(entry.id, path(entry), {}, tmp_path / "again.ipynb"))
    assert outcome.failure is None, outcome.report
    assert (tmp_path / "again.ipynb").read_bytes() == path(entry).read_bytes()


def test_the_start_page_reproduces_byte_for_byte(tmp_path: Path) -> None:
    """Its pictures as well, which nbval does not compare."""
    page = root() / "notebooks" / "00_start_here.ipynb"
    outcome = execute(Job("start", page, {}, tmp_path / "again.ipynb"), wants_record=False)
    assert outcome.failure is None, outcome.report
    assert (tmp_path / "again.ipynb").read_bytes() == page.read_bytes()


@each
def test_the_stored_verdicts_are_what_the_notebook_gives(entry, tmp_path: Path) -> None:
    stored = RESULTS[RESULTS["claim"] == entry.id].set_index("as_of")
    committed = records.find(nbformat.read(path(entry), as_version=4))
    day = REGISTRY.article["hindsight_on"]
    for found in (committed, run_plainly(entry, tmp_path, {"as_of": day})):
        row = stored.loc[found["as_of"]]
        assert found["verdict"] == row["verdict"] and found["sentence"] == row["sentence"]
        headline = [found["headline"][name] for name in ("value", "low", "high")]
        kept = [row[f"headline_{name}"] for name in ("value", "low", "high")]
        assert [float("nan") if n is None else n for n in headline] == pytest.approx(
            kept, nan_ok=True
        )
    assert found["as_of"] == day


def test_the_papermill_command_works_from_any_folder(tmp_path: Path) -> None:
    command = Path(sys.executable).with_name("papermill")
    entry = READY[-1]
    done = subprocess.run(
        [command, path(entry), "out.ipynb", "-p", "as_of", "2015-01-01", "--no-progress-bar"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = records.find(nbformat.read(tmp_path / "out.ipynb", as_version=4))
    assert found["as_of"] == "2015-01-01"


def test_a_users_mistake_in_a_notebook_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(papermill.PapermillExecutionError) as caught:
        run_plainly(READY[0], tmp_path, {"as_of": "2024-13-40"})
    assert "as_of: '2024-13-40' is not a date; write YYYY-MM-DD" in str(caught.value)
    assert "File " not in str(caught.value).split("ParameterError", 1)[1]


def test_one_at_a_time_or_four_the_results_are_the_same_bytes(tmp_path: Path) -> None:
    planned = plan(REGISTRY, [entry.id for entry in READY[:4]], ["2024-09-24"])
    made = []
    for workers in (1, 4):
        jobs = [replace(job, output=tmp_path / str(workers) / job.output.name) for job in planned]
        jobs = [replace(job, output=job.output.with_stem(job.claim)) for job in jobs]
        outcomes = run(jobs, REGISTRY, workers=workers)
        assert all(outcome.failure is None for outcome in outcomes)
        made.append([outcome.job.output.read_bytes() for outcome in outcomes])
    assert made[0] == made[1]
