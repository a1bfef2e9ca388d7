"""The command: clear errors, honest exit codes, and an old report that survives."""

import csv
import shutil
import sys
from pathlib import Path

import nbformat
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from kursk_claims.__main__ import main as enter
from kursk_claims.cli import cli, main
from kursk_claims.display.record import find
from kursk_claims.errors import KurskError
from kursk_claims.evidence.paths import VARIABLE, root
from kursk_claims.evidence.registry import load_registry
from tests.notebooks import READY, only_ready, read

FEW = ("c03", "c07", "c14")
MISTAKES = [
    (["run", "c99"], "no claim 'c99'; known: c01"),
    (["run", "c14", "-p", "wndow=3"], "c14 has no parameter 'wndow'; it has: seen_only, window"),
    (["run", "c14", "-p", "window"], "-p window: write name=value"),
    (["run", "c14", "-p", "window=three"], "window: 'three' is not of type int"),
    (["run", "c14", "-p", "window=4"], "window: 4 is not allowed; choose from 0, 1, 3, 6"),
    (["run", "c14", "--as-of", "2024-13-40"], "as_of: '2024-13-40' is not a date"),
]


def test_ctrl_c_while_the_command_loads_is_no_traceback(monkeypatch) -> None:
    class Loading:
        def __getattr__(self, name: str) -> None:
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "kursk_claims.cli", Loading())
    with pytest.raises(SystemExit, match="Aborted!"):
        enter()


@pytest.mark.parametrize(("arguments", "message"), MISTAKES)
def test_a_mistake_is_told_in_one_or_two_lines(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture, monkeypatch
) -> None:
    monkeypatch.setattr("sys.argv", ["kursk", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    told = capsys.readouterr().err
    assert stopped.value.code == 2 and message in told and len(told.splitlines()) <= 2


def test_list_shows_every_claim_with_its_stored_verdict() -> None:
    shown = CliRunner().invoke(cli, ["list"]).output.splitlines()
    assert len(shown) == len(load_registry().claims)
    for line, entry in zip(shown, load_registry().claims, strict=True):
        found = find(read(entry)) if entry.status == "ready" else {"verdict": entry.status}
        assert line.startswith(f"{entry.id}  {found['verdict']}") and line.endswith(entry.title)


def test_list_of_a_claim_shows_its_parameters() -> None:
    shown = CliRunner().invoke(cli, ["list", "c14"]).output
    assert all(f"\n     {p.name} = " in shown for p in load_registry()["c14"].parameters)


def test_a_dry_run_names_the_runs_and_makes_none(checkout: Path) -> None:
    asked = ["run", "c14", "-p", "window=1,3", "--as-of", "2024-08-21,2024-10-01", "--dry-run"]
    told = CliRunner().invoke(cli, asked).output.splitlines()
    assert told == [
        f"c14 {day} window={window}  never run"
        for window in (1, 3)
        for day in ("2024-08-21", "2024-10-01")
    ]
    assert not list((checkout / ".cache").rglob("*.ipynb"))


def test_a_grid_of_runs_becomes_a_table(checkout: Path) -> None:
    asked = ["run", "c14", "-p", "window=1,3", "--table", str(checkout / "t.csv")]
    result = CliRunner().invoke(cli, asked)
    assert result.exit_code == 0, result.output
    with (checkout / "t.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["claim"], row["as_of"], row["window"]) for row in rows] == [
        ("c14", "2024-08-21", "1"), ("c14", "2024-08-21", "3"),
    ]  # fmt: skip
    assert rows[1]["verdict"] == find(read(load_registry()["c14"]))["verdict"]
    assert all(row["verdict"] in result.output for row in rows)


def test_a_single_run_tells_its_answer_and_its_notebook(checkout: Path) -> None:
    for again in (False, True):
        result = CliRunner().invoke(cli, ["run", "c14", "-p", "phone_2020=drop"])
        assert result.exit_code == 0, result.output
        *_, sentence, last = result.output.splitlines()
        notebook = checkout / last.removeprefix("Notebook: ")
        assert sentence in notebook.read_text(encoding="utf-8")
        assert ("phone_2020=drop" in result.output and "from the cache" in result.output) is again


def test_lint_names_the_fault_and_fails(checkout: Path) -> None:
    path = checkout / load_registry()["c03"].notebook
    path.write_text(path.read_text().replace("**Missing:**", "Missing:"))
    result = CliRunner().invoke(cli, ["lint"])
    assert result.exit_code == 1
    assert "c03, cell evidence: must say what is **Missing:**" in result.output
    assert CliRunner().invoke(cli, ["lint", "c14"]).exit_code == 0


def test_the_shell_is_offered_the_claims() -> None:
    offered = ShellComplete(cli, {}, "kursk", "_KURSK_COMPLETE").get_completions(["run"], "c0")
    assert [item.value for item in offered] == [e.id for e in READY if e.id.startswith("c0")]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the collection that a test may break, with an old report."""
    shutil.copytree(root() / "data", tmp_path / "data")
    shutil.copytree(root() / "notebooks", tmp_path / "notebooks")
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "index.html").write_text("the old report")
    only_ready(tmp_path / "data" / "claims.yaml", FEW)
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    return tmp_path


def test_a_planned_claim_is_not_run(checkout: Path) -> None:
    result = CliRunner().invoke(cli, ["run", "c01"])
    assert str(result.exception) == "c01 is planned: it has no notebook yet"


def test_a_failing_notebook_leaves_the_old_report_and_the_other_runs(checkout: Path) -> None:
    entry = load_registry()["c03"]
    path = checkout / entry.notebook
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[6].source = "raise ValueError('broken on purpose')"
    nbformat.write(notebook, path)
    result = CliRunner().invoke(cli, ["report"])
    assert result.exit_code == 1
    assert "c03 (as_of=2024-08-21): cell, cell 7 under 'The evidence': ValueError" in result.output
    assert "The report was not built" in result.output
    assert (checkout / "reports/index.html").read_text() == "the old report"
    done = {
        p.parent.name
        for p in (checkout / ".cache/runs").glob("*/2*.ipynb")
        if "failed" not in p.name
    }
    assert done == set(FEW) - {"c03"}


def test_nothing_runs_on_a_broken_table(checkout: Path) -> None:
    table = checkout / "data/tables/polls/crises.csv"
    table.write_text(table.read_text().replace(",terror,", ",horror,", 1))
    result = CliRunner().invoke(cli, ["run", "c14"])
    assert result.exit_code == 1
    assert (
        "data/tables/polls/crises.csv, line 2, row crisis-01, column kind: 'horror'"
        in result.output
    )


def test_a_broken_registry_stops_everything(checkout: Path) -> None:
    (checkout / "data/claims.yaml").write_text("claims: []")
    result = CliRunner().invoke(cli, ["run"])
    assert isinstance(result.exception, KurskError)
