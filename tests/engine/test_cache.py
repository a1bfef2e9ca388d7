"""The cache: exactly what could change a result makes a run due again, and is named."""

import json
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from kursk_claims.engine import cache
from kursk_claims.engine import inputs as module
from kursk_claims.engine.inputs import inputs, reach
from kursk_claims.engine.jobs import Job, committed, plan
from kursk_claims.errors import RegistryError
from kursk_claims.evidence.paths import VARIABLE, root
from kursk_claims.evidence.registry import load_registry

CLAIMS = ("c03", "c07", "c14")
DAY = "2024-08-21"
SRC = "src/kursk_claims"
NOTEBOOKS = {
    "c03": "notebooks/c03_displaced_121000.ipynb",
    "c07": "notebooks/c07_many_months.ipynb",
    "c14": "notebooks/c14_crises_to_advantage.ipynb",
}


def every(reason: str) -> dict[str, list[str]]:
    return {claim: [reason] for claim in CLAIMS}


@pytest.fixture
def top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Copy the collection, to be changed at will."""
    here, there = root(), tmp_path / "collection"
    skip = shutil.ignore_patterns("__pycache__")
    for folder in ("data", "notebooks", SRC):
        shutil.copytree(here / folder, there / folder, ignore=skip)
    shutil.copy(here / "requirements.lock", there)
    monkeypatch.setenv(VARIABLE, str(there))
    return there


def jobs(parameters: dict | None = None, claims: tuple[str, ...] = CLAIMS) -> list[Job]:
    return plan(load_registry(), claims, [DAY], parameters)


def job(claim: str = "c14") -> Job:
    return jobs(claims=(claim,))[0]


def now(one: Job) -> dict[str, str]:
    return inputs(one, load_registry())


def keep(one: Job, *, keep_notebook: bool = True) -> Job:
    """Store a run that never took place."""
    one.output.parent.mkdir(parents=True, exist_ok=True)
    one.output.write_bytes(b'{"cells": []}')
    cache.store(one, now(one), {"claim": one.claim}, 1.5, keep_notebook)
    return one


def due(planned: list[Job]) -> dict[str, list[str]]:
    """Return the claims that must run again, and why."""
    reasons = {one.claim: cache.stale_because(one, now(one)) for one in planned}
    return {claim: why for claim, why in reasons.items() if why}


# -- touching one thing ------------------------------------------------------------------------


def append(path: str, text: str = "\n") -> Callable[[Path], None]:
    def change(top: Path) -> None:
        with (top / path).open("a", encoding="utf-8") as file:
            file.write(text)

    return change


def replace(path: str, old: str, new: str) -> Callable[[Path], None]:
    def change(top: Path) -> None:
        text = (top / path).read_text(encoding="utf-8")
        assert old in text, f"{path} holds no {old!r}"
        (top / path).write_text(text.replace(old, new, 1), encoding="utf-8")

    return change


def edit(path: str, change: Callable[[dict], object]) -> Callable[[Path], None]:
    """Change a JSON document, such as a notebook."""

    def apply(top: Path) -> None:
        document = json.loads((top / path).read_text(encoding="utf-8"))
        change(document)
        (top / path).write_text(json.dumps(document), encoding="utf-8")

    return apply


def cells(change: Callable[[list[dict]], object], claim: str = "c14") -> Callable[[Path], None]:
    return edit(NOTEBOOKS[claim], lambda notebook: change(notebook["cells"]))


def resource(path: str) -> Callable[[Path], None]:
    def change(package: dict) -> None:
        (found,) = [one for one in package["resources"] if one["path"] == path]
        found["title"] += " (new)"

    return edit("data/datapackage.json", change)


def rule_of_c14(top: Path) -> None:
    """Change what is frozen, and the hash that guards it as the message says."""
    path = top / "data/claims.yaml"
    text = path.read_text(encoding="utf-8")
    start = text.index("- id: c14")
    question = re.compile(r"(question: >?-?\s*)", flags=re.MULTILINE)
    path.write_text(text[:start] + question.sub(r"\1Again: ", text[start:], count=1), "utf-8")
    with pytest.raises(RegistryError, match="the rule was changed") as caught:
        load_registry()
    old, new = re.search(r"\((\w{12}) is now (\w{12})\)", str(caught.value)).groups()
    replace("data/claims.yaml", old, new)(top)


def add_correction(table: str) -> Callable[[Path], None]:
    entry = (
        f"- {{id: corr-99, table: {table}, row_id: x, column: note, from: a, to: b,\n"
        "   reason: a test of the cache, evidence: none at all, date: '2026-01-01'}\n"
    )
    return append("data/corrections.yaml", entry)


def lazy_import(top: Path) -> None:
    """Let a function of stocks, which c03 alone reaches, import events."""
    text = "\n\ndef late():\n    from . import events\n\n    return events\n"
    append(f"{SRC}/analysis/stocks.py", text)(top)


def new_module(top: Path) -> None:
    (top / SRC / "analysis/new.py").write_text("x = 1\n")
    append(f"{SRC}/analysis/stocks.py", "\nfrom kursk_claims.analysis import new\n")(top)


STOCKS, EVENTS = f"{SRC}/analysis/stocks.py", f"{SRC}/analysis/events.py"
TERRITORY, APPROVAL = "data/tables/military/territory.csv", "data/tables/polls/approval.csv"
MAP = "data/geo/map_layers.geojson"
TOUCHED = {
    # the notebook
    "code cell": (
        cells(lambda c: c[6]["source"].append("\n# more")), {"c14": ["cell 7 (load) changed"]}
    ),
    "markdown cell": (cells(lambda c: c[0]["source"].append("!")), {"c14": ["text cells changed"]}),
    "outputs and counts": (
        cells(lambda c: [x.update(outputs=[], execution_count=99) for x in c if "outputs" in x]),
        {},
    ),
    "tag": (
        cells(lambda c: c[2]["metadata"].clear()), {"c14": ["kernel and cell tags changed"]}
    ),
    "code cell added": (
        cells(lambda c: c.insert(7, {**c[6], "id": "new"})), {"c14": ["cell 8 (new) added"]}
    ),
    "code cell removed": (cells(lambda c: c.pop(6)), {"c14": ["cell 7 (load) removed"]}),
    "code cells swapped": (
        cells(lambda c: c.insert(7, c.pop(6))), {"c14": ["the order of the cells changed"]}
    ),
    "text moved across code": (
        cells(lambda c: c.insert(6, c.pop(5))), {"c14": ["the order of the cells changed"]}
    ),
    "not a notebook": (append(NOTEBOOKS["c14"], "}"), {"c14": None}),
    # the package
    "module of one claim": (append(EVENTS), {"c14": [f"{EVENTS} changed"]}),
    "module reached by another": (
        append(f"{SRC}/analysis/intervals.py"),
        {
            "c03": [f"{SRC}/analysis/intervals.py changed (through analysis/stocks.py)"],
            "c07": [f"{SRC}/analysis/intervals.py changed"],
            "c14": [f"{SRC}/analysis/intervals.py changed"],
        },
    ),
    "module reached by no notebook itself": (
        append(f"{SRC}/evidence/schema.py"),
        every(f"{SRC}/evidence/schema.py changed (through claim.py)"),
    ),
    "package on the way": (
        append(f"{SRC}/display/__init__.py"), every(f"{SRC}/display/__init__.py changed")
    ),
    "schema beside a module": (
        append(f"{SRC}/display/record.schema.json"),
        every(f"{SRC}/display/record.schema.json changed"),
    ),
    "module newly reached, in a function": (
        lazy_import,
        {"c03": [f"{EVENTS} added (through analysis/stocks.py)", f"{STOCKS} changed"]},
    ),
    "new module, imported": (
        new_module,
        {
            "c03": [
                f"{SRC}/analysis/new.py added (through analysis/stocks.py)",
                f"{STOCKS} changed",
            ]
        },
    ),
    "new file beside a module": (
        append(f"{SRC}/display/look.json", "{}"),
        every(f"{SRC}/display/look.json added"),
    ),
    "module of the engine that shapes results": (
        append(f"{SRC}/engine/normalise.py"), every(f"{SRC}/engine/normalise.py changed")
    ),
    "module nobody reaches": (append(f"{SRC}/report/build.py"), {}),
    "new module nobody reaches": (append(f"{SRC}/analysis/new.py", "x = 1\n"), {}),
    "template of the report": (append(f"{SRC}/report/templates/base.html"), {}),
    "backup of an editor": (append(f"{SRC}/display/figures.py~"), {}),
    # the evidence
    "table of one claim": (append(TERRITORY), {"c07": [f"{TERRITORY} changed"]}),
    "table of one ready and two planned claims": (
        append(APPROVAL), {"c14": [f"{APPROVAL} changed"]}
    ),
    "table gone": (
        lambda top: (top / TERRITORY).unlink(),
        {"c07": [f"{TERRITORY} removed", "data/datapackage.json: military/territory removed"]},
    ),
    "table no ready claim reads": (append("data/tables/politics_new.csv", "a\n"), {}),
    "descriptor": (
        resource("tables/polls/approval.csv"),
        {"c14": ["data/datapackage.json: polls/approval changed"]},
    ),
    "descriptor of the map": (
        resource("geo/map_layers.geojson"),
        {"c03": ["data/datapackage.json: geo/map_layers changed"]},
    ),
    "title of the package": (
        edit("data/datapackage.json", lambda package: package.update(title="Another")), {}
    ),
    "correction": (
        add_correction("military/milestones"),
        {"c07": ["data/corrections.yaml: military/milestones changed"]},
    ),
    "correction of a table nobody reads": (add_correction("politics/negotiations"), {}),
    "map": (append(MAP), {"c03": [f"{MAP} changed"]}),
    "claim of another": (replace("data/claims.yaml", "10,000 for 6", "9,999 for 6"), {}),
    "rule of this one": (rule_of_c14, {"c14": ["data/claims.yaml: c14 changed"]}),
    # the surroundings
    "lock": (append("requirements.lock"), every("requirements.lock changed")),
    "lock gone": (
        lambda top: (top / "requirements.lock").unlink(), every("requirements.lock changed")
    ),
    "something else": (append("README.md", "x"), {}),
    "time stamps": (lambda top: [os.utime(p, (1, 1)) for p in top.rglob("*")], {}),
}  # fmt: skip


@pytest.mark.parametrize("touch", TOUCHED)
def test_what_is_touched_is_named_and_nothing_else_runs(top: Path, touch: str) -> None:
    change, expected = TOUCHED[touch]
    planned = [keep(one) for one in jobs()]
    assert due(planned) == {}
    change(top)
    found = due(planned)
    if touch == "not a notebook":
        assert set(found) == {"c14"} and "notebook added" in found["c14"]
    else:
        assert found == expected


def test_a_table_of_two_claims_makes_both_due(top: Path) -> None:
    replace(
        "data/claims.yaml", "- polls/crises\n", "- polls/crises\n      - military/milestones\n"
    )(top)
    planned = [keep(one) for one in jobs()]
    path = "data/tables/military/milestones.csv"
    append(path)(top)
    assert due(planned) == {"c07": [f"{path} changed"], "c14": [f"{path} changed"]}


def test_undoing_a_change_makes_a_run_fresh_again(top: Path) -> None:
    one, text = keep(job()), (top / EVENTS).read_bytes()
    append(EVENTS)(top)
    assert cache.stale_because(one, now(one))
    (top / EVENTS).write_bytes(text)
    assert cache.stale_because(one, now(one)) == []


def test_a_broken_data_file_makes_runs_due_and_raises_nothing(top: Path) -> None:
    planned = [keep(one) for one in jobs()]
    (top / "data/datapackage.json").write_bytes(b'{"resources": [{"path": 1}, \xff')
    (top / "data/corrections.yaml").write_text("- [1\n")
    assert set(due(planned)) == set(CLAIMS)


# -- parameters, Python, the collection --------------------------------------------------------


def test_parameters_count_and_their_order_does_not(top: Path) -> None:
    plain, other = job(), jobs({"window": 6, "outcome": "net"}, claims=("c14",))[0]
    reversed_ = Job("c14", other.notebook, dict(reversed(other.parameters.items())), other.output)
    assert now(other) == now(reversed_)
    assert {k for k in now(plain) if now(plain)[k] != now(other)[k]} == {"parameters"}
    keep(plain)
    moved = Job("c14", plain.notebook, other.parameters, plain.output)
    assert cache.stale_because(moved, now(moved)) == ["parameters changed"]
    bare = committed(load_registry()["c14"])
    assert "parameters" in now(bare) and now(bare)["parameters"] != now(plain)["parameters"]


def test_another_python_is_named(top: Path) -> None:
    one = keep(job())
    other = {label: v for label, v in now(one).items() if not label.startswith("Python ")}
    ours = f"{sys.version_info.major}.{sys.version_info.minor}"
    reasons = cache.stale_because(one, {**other, "Python 3.99": "3.99"})
    assert reasons == [f"Python {ours} changed to 3.99"]


def test_without_sources_of_its_own_the_installed_package_counts(top: Path) -> None:
    shutil.rmtree(top / "src")
    assert f"{SRC}/claim.py" in now(job()) and reach(job())[f"{SRC}/claim.py"] == ""


def test_inputs_do_not_depend_on_folder_or_locale(top: Path) -> None:
    code = (
        "import json, sys; from tests.engine.test_cache import job, now; "
        "print(json.dumps(list(now(job('c03')).items())))"
    )
    found = set()
    for locale, folder, seed in (("C", top, "1"), ("en_US.UTF-8", top.parent, "2")):
        env = {**os.environ, "LC_ALL": locale, "PYTHONHASHSEED": seed, "PYTHONUTF8": "0"}
        env["PYTHONPATH"] = str(Path(__file__).parents[2])
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=folder, env=env, capture_output=True, check=True
        )
        found.add(done.stdout)
    assert found == {json.dumps(list(now(job("c03")).items())).encode() + b"\n"}


# -- reading code ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "reached"),
    [
        ("import kursk_claims.analysis.series as s", {"analysis/series.py"}),
        ("from kursk_claims.analysis.series import *", {"analysis/series.py"}),
        ("%matplotlib inline\nfrom kursk_claims.analysis import series", {"analysis/series.py"}),
        ("def f():\n    from kursk_claims.analysis import series", {"analysis/series.py"}),
        ("importlib.import_module('kursk_claims.analysis.series')", {"analysis/series.py"}),
        ("x = '\\d'\nfrom kursk_claims.analysis import series", {"analysis/series.py"}),
        ("from kursk_claims import __version__", {"__init__.py"}),
        ("files = !ls", {"cli.py", "report/build.py", "engine/runner.py"}),
        ("import kursk_claims_of_another", set()),
        ("# from kursk_claims import cli", set()),
    ],
)
def test_imports_are_found_however_they_are_written(
    top: Path, source: str, reached: set[str]
) -> None:
    def only(notebook: dict) -> None:
        cell = {"cell_type": "code", "id": "a", "metadata": {}, "outputs": [], "source": source}
        notebook["cells"] = [cell]

    edit(NOTEBOOKS["c14"], only)(top)
    found = set(reach(job()))
    assert {f"{SRC}/{path}" for path in reached} <= found
    assert bool(found) == bool(reached)
    if len(reached) == 1:
        assert f"{SRC}/cli.py" not in found


def test_first_importers_lead_back_to_the_notebook(top: Path) -> None:
    found = reach(job("c03"))
    assert found[f"{SRC}/evidence/layers.py"] == ""
    for path in found:
        seen = set()
        while found[path]:
            path = f"{SRC}/{found[path]}"  # noqa: PLW2901
            assert path not in seen
            seen.add(path)


# -- the entry ---------------------------------------------------------------------------------


def test_an_entry_comes_back_as_stored(top: Path) -> None:
    one = job()
    assert cache.load(one) is None
    assert cache.stale_because(one, now(one)) == ["never run"]
    one.output.parent.mkdir(parents=True)
    one.output.write_bytes(b"{}")
    record = {"claim": "c14", "text": "∅ \ud800", "numbers": [1, 2.5, None], "deep": {"a": {}}}
    cache.store(one, now(one), record, 3)
    entry = cache.load(one)
    assert entry.record == record and entry.inputs == now(one) and entry.seconds == 3.0
    assert re.fullmatch("[0-9a-f]{64}", entry.output)
    assert sorted(p.name for p in one.output.parent.iterdir()) == [f"{DAY}.ipynb", f"{DAY}.json"]


def test_every_cut_and_every_flipped_byte_is_seen(top: Path) -> None:
    path = cache.entry_path(keep(job()))
    data = path.read_bytes()
    for place in range(0, len(data), 7):
        flipped = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        for broken in (data[:place], flipped):
            path.write_bytes(broken)
            assert cache.load(job()) is None
            if place % 700 == 0:
                assert cache.stale_because(job(), now(job())) == ["the cache entry is damaged"]
    path.write_bytes(data)
    assert cache.stale_because(job(), now(job())) == []


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "kursk-claims/cache/2"},
        {"inputs": []},
        {"inputs": {"a": 1}},
        {"output": "beef"},
        {"seconds": "1"},
        {"record": None},
        {"more": 1},
    ],
)
def test_a_well_sealed_entry_of_another_form_is_refused(top: Path, change: dict) -> None:
    path = cache.entry_path(keep(job()))
    document = json.loads(path.read_text()) | change
    path.write_text(cache._sealed(document))
    assert cache.load(job()) is None


@pytest.mark.parametrize("text", ["", "null", "[]", "3", "{}", "[" * 100_000, '"\\ud800"'])
def test_anything_else_in_the_place_of_an_entry_is_damage(top: Path, text: str) -> None:
    cache.entry_path(keep(job())).write_text(text)
    assert cache.stale_because(job(), now(job())) == ["the cache entry is damaged"]


def test_the_stored_notebook_must_be_what_came_out(top: Path) -> None:
    one = keep(job())
    append(str(one.output.relative_to(top)))(top)
    assert cache.stale_because(one, now(one)) == ["the stored notebook was changed by hand"]
    one.output.unlink()
    assert cache.stale_because(one, now(one)) == ["the stored notebook is missing"]
    assert cache.stale_because(one, now(one), need_notebook=False) == []
    with pytest.raises(FileNotFoundError):
        cache.store(one, now(one), {}, 1.0)


def test_a_record_alone_suffices_where_no_notebook_is_asked_for(top: Path) -> None:
    one = keep(job(), keep_notebook=False)
    assert cache.load(one).output is None
    assert cache.stale_because(one, now(one), need_notebook=False) == []
    assert cache.stale_because(one, now(one)) == ["only the record was kept"]
    append(EVENTS)(top)
    assert cache.stale_because(one, now(one), need_notebook=False) == [f"{EVENTS} changed"]


def test_a_record_that_is_not_json_leaves_the_entry_before(top: Path) -> None:
    one = keep(job())
    with pytest.raises(TypeError):
        cache.store(one, now(one), {"a": object()}, 1.0)
    assert cache.stale_because(one, now(one)) == []
    assert len(list(one.output.parent.iterdir())) == 2


def test_an_entry_that_cannot_be_put_in_place_leaves_nothing_behind(top: Path) -> None:
    one = job()
    cache.entry_path(one).mkdir(parents=True)
    with pytest.raises(OSError):
        cache.store(one, now(one), {}, 1.0, keep_notebook=False)
    assert list(one.output.parent.iterdir()) == [cache.entry_path(one)]


def test_the_order_in_which_inputs_are_listed_means_nothing(top: Path) -> None:
    one = job()
    cache.store(one, dict(reversed(now(one).items())), {}, 1.0, keep_notebook=False)
    assert cache.stale_because(one, now(one), need_notebook=False) == []


def _store_often(one: Job, label: str) -> None:
    for turn in range(100):
        cache.store(one, {"by": label}, {"turn": turn, "long": "x" * 50_000}, 1.0, False)


def test_two_processes_storing_at_once_leave_a_whole_file(top: Path) -> None:
    one = keep(job())
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_store_often, args=(one, label)) for label in "ab"]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        assert cache.load(one) is not None
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    assert cache.load(one).record["turn"] == 99
    assert sorted(p.suffix for p in one.output.parent.iterdir()) == [".ipynb", ".json"]


# -- speed -------------------------------------------------------------------------------------


def test_nothing_heavy_is_imported() -> None:
    code = (
        "import sys; from kursk_claims.engine import cache, inputs; "
        "print(*sorted({'papermill', 'nbformat', 'pandas', 'numpy', 'jsonschema', 'nbclient', "
        "'IPython', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_a_timeline_of_jobs_is_looked_through_at_once(
    top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed = []
    monkeypatch.setattr(module.ast, "parse", lambda s, p=module.ast.parse: parsed.append(s) or p(s))
    days = [(date(2024, 1, 1) + timedelta(days)).isoformat() for days in range(318)]
    registry = load_registry()
    planned = plan(registry, CLAIMS, days)
    started = time.perf_counter()
    found = [inputs(one, registry) for one in planned]
    assert time.perf_counter() - started < 5.0
    assert len({one["parameters"] for one in found}) == 318
    assert len(parsed) < 100  # each module and each cell once
