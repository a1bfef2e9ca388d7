"""A claim to play with: move the day, toggle the choices, and see verdict and figures follow.

The cells of the claim's own notebook run in this process, with other parameters: what is shown is
what `kursk run` would show. The widgets need ipywidgets (extra ``lab``).
"""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

import nbformat
from IPython.display import display
from IPython.utils.capture import capture_output

from kursk_claims.display import prose, record
from kursk_claims.evidence.paths import root
from kursk_claims.evidence.registry import ClaimEntry, Scalar, load_registry

FIRST, LAST = date(2024, 8, 6), date(2025, 8, 3)
Bundle = Mapping[str, Any]
"""What a cell displayed: MIME type to content."""


def run_here(entry: ClaimEntry, parameters: Mapping[str, Scalar]) -> list[Bundle]:
    """Run the code cells of a claim's notebook in this process and return what they displayed.

    Parameters
    ----------
    parameters : mapping
        Name to value; what is left out keeps its default.

    Raises
    ------
    ParameterError
        If a parameter is unknown or does not fit.
    """
    entry.check(dict(parameters))
    notebook = nbformat.read(root() / entry.notebook, as_version=4)
    names: dict[str, Any] = {}
    with capture_output(stdout=False, stderr=False) as captured:
        for cell in notebook.cells:
            if cell.cell_type == "code":
                exec(compile(cell.source, f"<{entry.id}, cell {cell.id}>", "exec"), names)
                if "parameters" in cell.metadata.get("tags", []):
                    names.update(parameters)
    return [output.data for output in captured.outputs]


def find_record(shown: Iterable[Bundle]) -> record.Record:
    """Return the record among what a notebook displayed."""
    return next(dict(bundle[record.MIME]) for bundle in shown if record.MIME in bundle)


def days(article: Mapping[str, str]) -> list[str]:
    """Return the days to choose from: every week of the year, the article's day, hindsight."""
    weeks = [FIRST + timedelta(days=7 * n) for n in range((LAST - FIRST).days // 7 + 1)]
    named = [article["appeared_on"], article["hindsight_on"]]
    return sorted({*(week.isoformat() for week in weeks), LAST.isoformat(), *named})


class Explorer:
    """Widgets over one claim: its day, its choices, and below them what its notebook finds.

    Parameters
    ----------
    claim_id : str
        The claim shown first.
    """

    def __init__(self, claim_id: str = "c14") -> None:
        import ipywidgets

        self._widgets = ipywidgets
        self.registry = load_registry()
        choices = [(f"{e.id}  {e.title}", e.id) for e in self.registry.ready]
        self.claim = ipywidgets.Dropdown(options=choices, value=claim_id, description="claim")
        self.day = ipywidgets.SelectionSlider(
            options=days(self.registry.article), value=self.registry.article["appeared_on"],
            description="as of", continuous_update=False,
        )  # fmt: skip
        for widget in (self.claim, self.day):
            widget.layout.width = "60em"
        wrap = ipywidgets.Layout(flex_flow="row wrap", grid_gap="0 2em")
        self.choices = ipywidgets.Box(layout=wrap)
        self.verdict = ipywidgets.HTML()
        self.shown = ipywidgets.Output()
        self.record: record.Record = {}
        self.claim.observe(self._change_claim, "value")
        self.day.observe(self._show, "value")
        self._change_claim()

    @property
    def parameters(self) -> dict[str, Scalar]:
        """The day and the choices as they are set now."""
        chosen = {widget.description: widget.value for widget in self.choices.children}
        return {"as_of": self.day.value, **chosen}

    def _ipython_display_(self) -> None:
        parts = [self.claim, self.day, self.choices, self.verdict, self.shown]
        display(self._widgets.VBox(parts))

    def _change_claim(self, change: Any = None) -> None:
        """Offer the choices of another claim, at their defaults."""
        entry = self.registry[self.claim.value]
        self.choices.children = [
            self._choice(p.name, p.allowed, p.default) for p in entry.parameters if p.axis
        ]
        self._show()

    def _choice(self, name: str, allowed: tuple[Scalar, ...], default: Scalar) -> Any:
        widget = self._widgets.ToggleButtons(
            options=allowed, value=default, description=name,
            style={"button_width": "auto", "description_width": "auto"},
        )  # fmt: skip
        widget.observe(self._show, "value")
        return widget

    def _show(self, change: Any = None) -> None:
        """Run the notebook with what is set, and show verdict, sentence and figures."""
        shown = run_here(self.registry[self.claim.value], self.parameters)
        self.record = find_record(shown)
        day = prose.day(self.record["as_of"])
        self.verdict.value = f"<p>As of {day}: {record.badge(self.record['verdict'])}</p>"
        with self.shown:
            self.shown.clear_output(wait=True)
            for bundle in shown:
                if record.MIME in bundle or "image/png" in bundle:
                    display(dict(bundle), raw=True)
