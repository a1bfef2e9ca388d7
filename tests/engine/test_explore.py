"""The explorer shows what the notebooks show: the same cells, in this process."""

import pytest
from IPython.core.interactiveshell import InteractiveShell

from kursk_claims.display.record import find
from kursk_claims.engine.explore import Explorer, days, find_record, run_here
from kursk_claims.errors import ParameterError
from kursk_claims.evidence.registry import load_registry
from tests.notebooks import READY, read


@pytest.fixture(autouse=True)
def shell():
    """What is displayed is captured by IPython's shell, as in a notebook."""
    yield InteractiveShell.instance()
    InteractiveShell.clear_instance()


@pytest.mark.parametrize("entry", READY, ids=lambda entry: entry.id)
def test_run_here_finds_what_the_stored_notebook_holds(entry) -> None:
    assert find_record(run_here(entry, {})) == find(read(entry))


def test_a_wrong_parameter_is_refused() -> None:
    with pytest.raises(ParameterError, match="window: 99 is not allowed"):
        run_here(load_registry()["c14"], {"window": 99})


def test_the_widgets_follow_the_day_the_choices_and_the_claim() -> None:
    explorer = Explorer("c14")
    assert explorer.record == find(read(load_registry()["c14"]))
    explorer.day.value = "2024-12-24"
    assert explorer.record["as_of"] == "2024-12-24"
    window = next(w for w in explorer.choices.children if w.description == "window")
    window.value = 1
    assert explorer.record["parameters"]["window"] == 1
    assert explorer.record["verdict"] in explorer.verdict.value
    explorer.claim.value = "c07"
    assert explorer.record["claim"] == "c07" and explorer.record["as_of"] == "2024-12-24"
    names = [widget.description for widget in explorer.choices.children]
    assert names == [p.name for p in load_registry()["c07"].parameters if p.axis]


def test_the_two_named_days_can_be_chosen() -> None:
    article = load_registry().article
    assert {article["appeared_on"], article["hindsight_on"]} <= set(days(article))
