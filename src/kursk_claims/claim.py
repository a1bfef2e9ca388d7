"""The one handle a notebook holds on its claim."""

from collections.abc import Iterable, Mapping
from html import escape
from math import isfinite
from typing import Any

import pandas as pd
from IPython.display import HTML, Markdown, display
from matplotlib.figure import Figure

from kursk_claims.analysis import multiverse
from kursk_claims.analysis.intervals import round_sig
from kursk_claims.analysis.verdict import decide, describe
from kursk_claims.display import figures, prose, record
from kursk_claims.errors import EvidenceError, RegistryError
from kursk_claims.evidence import tables
from kursk_claims.evidence.corrections import load_corrections
from kursk_claims.evidence.registry import load_registry
from kursk_claims.evidence.schema import load_credits

Findings = Mapping[str, float]
START = pd.Timestamp("2024-08-06")
"""The day on which the incursion began."""

pd.set_option("display.max_colwidth", 120)  # tables are read in full


class Claim:
    """A registered claim on a given day, under given parameters.

    Parameters
    ----------
    claim_id : str
        Such as ``c14``.
    **parameters
        ``as_of`` and the claim's own; checked against the registry, defaults filled in.

    Attributes
    ----------
    entry, rule
        What the registry says of the claim, and its frozen rule.
    article_day, as_of : str
        ``YYYY-MM-DD``.
    parameters : dict
        Every parameter by name.
    results : DataFrame
        As `multiverse` returned it; empty before.

    Raises
    ------
    RegistryError
        If there is no such claim, or it has no frozen rule yet.
    ParameterError
        If a parameter is unknown or does not fit.
    """

    def __init__(self, claim_id: str, **parameters: Any) -> None:
        registry = load_registry()
        self.entry, self.article_day = registry[claim_id], registry.article["appeared_on"]
        if self.entry.rule is None or self.entry.frozen is None:
            raise RegistryError(f"{claim_id} is {self.entry.status}: it has no frozen rule yet")
        self.rule, self.frozen_on = self.entry.rule, self.entry.frozen["day"]
        self.parameters = self.entry.check(parameters)
        self.as_of = str(self.parameters["as_of"])
        self.results = pd.DataFrame()
        self._loaded: dict[str, pd.DataFrame] = {}
        self._record: record.Record = {}

    # -- what is asked ---------------------------------------------------------------------------

    def __repr__(self) -> str:
        return f"Claim({self.entry.id!r}, as_of={self.as_of!r})"

    def _repr_html_(self) -> str:
        """Show the contract: what is asked, of what, by which rule, fixed before the result."""
        entry = self.entry
        choices = [f"{name} ({', '.join(map(str, v))})" for name, v in entry.axes.items()]
        ladder = "; ".join(f"{verdict}: {when}" for verdict, when in describe(self.rule))
        rows = [
            ("Claim", f"{entry.title} ({entry.claimant})"),
            ("Question", entry.question),
            ("Refuted by", entry.would_refute),
            ("Estimand", entry.estimand),
            ("As of", prose.day(self.as_of)),
            ("Parameters", ", ".join(f"{k} = {v}" for k, v in self.parameters.items())),
            ("Choices", "; ".join(choices)),
            ("Findings", "; ".join(f"{k}: {v}" for k, v in self.rule["findings"].items())),
            ("Rule, first step that holds", ladder),
            ("Rule hash", f"{entry.rule_hash}, frozen on {prose.day(self.frozen_on)}"),
        ]
        return prose.table(rows, f"Contract of {entry.id}")

    @property
    def specification(self) -> dict[str, Any]:
        """The main specification: the parameters' values on the axes of the multiverse."""
        return {name: self.parameters[name] for name in self.entry.axes}

    def judged_day(self, judged_on: str) -> pd.Timestamp:
        """Return the day that a state is judged for.

        Parameters
        ----------
        judged_on : str
            ``article_day`` (or an earlier ``as_of``), or ``as_of`` itself.

        Raises
        ------
        KeyError
            If it is neither of the two.
        """
        days = {"article_day": min(self.as_of, self.article_day), "as_of": self.as_of}
        return pd.Timestamp(days[judged_on])

    # -- evidence --------------------------------------------------------------------------------

    def load(self, table: str) -> pd.DataFrame:
        """Return the rows of a registered table that were public on the day.

        Parameters
        ----------
        table : str
            Topic and table, such as ``polls/approval``.

        Returns
        -------
        DataFrame
            A copy, in the order of the file, corrections applied: the rows with ``published_on`` on
            or before ``as_of``, under ``seen_only`` those alone whose day of publication was seen
            on a page. Columns ``row_id``, ``observed_on`` and ``published_on`` (datetime64, days),
            ``published_basis``, ``source``, ``source_side``, ``url``, ``bound``, ``note``, and the
            table's own, with their types and units in ``data/README.md``.

        Raises
        ------
        EvidenceError
            If the registry does not list the table for this claim, or the table or the list of
            corrections is missing or broken.
        """
        if table not in self.entry.tables:
            allowed = ", ".join(self.entry.tables)
            raise EvidenceError(f"{self.entry.id} may not read '{table}'; it may read: {allowed}")
        frame = tables.load(table, self.as_of, seen_only=bool(self.parameters["seen_only"]))
        self._loaded[table] = frame
        return frame.copy()

    def evidence(self) -> pd.DataFrame:
        """Return one row a loaded table: rows, sources, first and last day, corrections applied.

        Returns
        -------
        DataFrame
            Indexed by ``table``: ``rows`` and ``sources`` (how many), ``first`` and ``last``
            ``observed_on`` (``YYYY-MM-DD``; None without one), ``corrections`` (ids, or ``none``);
            empty before a table is loaded.
        """
        rows = [self._summary(name) for name in self._loaded]
        for row in rows:
            row["corrections"] = ", ".join(row["corrections"]) or "none"
        columns = ["table", "rows", "sources", "first", "last", "corrections"]
        return pd.DataFrame(rows, columns=columns).set_index("table")

    def _summary(self, name: str) -> dict[str, Any]:
        frame = self._loaded[name]
        days = frame["observed_on"].dropna()
        shown = set(frame["row_id"])
        return {
            "table": name,
            "rows": len(frame),
            "sources": int(frame["source"].nunique()),
            "first": None if days.empty else days.min().strftime("%Y-%m-%d"),
            "last": None if days.empty else days.max().strftime("%Y-%m-%d"),
            "corrections": [c.id for c in load_corrections(name) if c.row_id in shown],
        }

    def credit(self, *names: str) -> str:
        """Return the credit line of some tables or map layers, from the Data Package.

        Raises
        ------
        KeyError
            If there is no table or layer of that name.
        """
        lines = load_credits()
        credits = dict.fromkeys(lines[name] for name in names)
        return f"Data: {'; '.join(credits)}. As of {prose.day(self.as_of)}."

    # -- figures ---------------------------------------------------------------------------------

    def figure(
        self,
        figure: Figure,
        *,
        title: str,
        alt: str,
        data: pd.DataFrame,
        tables: Iterable[str] = (),
    ) -> None:
        """Show a figure with its title, alt text and data, and the credit of its tables.

        Parameters
        ----------
        figure : Figure
            As from `figures.canvas`.
        title : str
            The finding, generated from the data.
        alt : str
            What a reader who cannot see it needs to know; the title is put before it.
        data : DataFrame
            The numbers that are drawn, in columns of any name; the index is not kept. At most 1500
            rows.
        tables : iterable of str, optional
            Tables and map layers to credit; every table loaded so far by default.

        Raises
        ------
        ValueError
            If the title is missing, the alt text with it is shorter than 40 characters, or the data
            have too many rows.
        KeyError
            If there is no table or layer of that name.
        """
        credit = self.credit(*(tables or self._loaded))
        figures.show(figure, title=title, alt=f"{title}. {alt}", data=data, credit=credit)

    def show_multiverse(self, value: str, label: str) -> None:
        """Show the multiverse: every specification by one finding, and verdicts by choice.

        Parameters
        ----------
        value : str
            The finding to sort by.
        label : str
            What it is, with its unit.

        Raises
        ------
        KeyError
            If `multiverse` has not been called, or gave no such finding.
        """
        axes = self.entry.axes
        rows = sum(len(values) for values in axes.values()) + len(axes) / 2
        figure, (left, right) = figures.canvas(
            9.6, max(4.0, 1.2 + 0.19 * rows), cols=2, width_ratios=(5, 4)
        )
        figures.specification_curve(left, self.results, value, label)
        figures.verdict_shares(right, self.results, axes)
        self.figure(
            figure,
            title=f"Of {prose.number(len(self.results))} specifications, {self._spread()}",
            alt="Left: every specification by its estimate. Right: verdicts by each choice.",
            data=multiverse.encode(self.results, axes, value),
        )

    def _spread(self) -> str:
        """Say the share of specifications per verdict, the largest first."""
        shares = multiverse.shares(self.results).sort_values(ascending=False, kind="stable")
        (first, share), *rest = shares.items()
        more = [f"{prose.percent(other)} {word}" for word, other in rest]
        return prose.listed([f"{prose.percent(share)} come out {first}", *more])

    # -- the answer ------------------------------------------------------------------------------

    def multiverse(self, estimate: multiverse.Estimate) -> pd.DataFrame:
        """Run an estimate over every specification; one row each (see `multiverse.run`).

        Parameters
        ----------
        estimate : callable
            Takes one specification, returns the findings that the rule names.

        Returns
        -------
        DataFrame
            A column per choice, per finding, and ``verdict``; kept as ``results``.

        Raises
        ------
        KeyError
            If the estimate leaves out a finding that the rule names.
        """
        self.results = multiverse.run(self.entry.axes, estimate, self.rule)
        return self.results

    def flips(self) -> pd.DataFrame:
        """Return the single changes of choice that give another verdict than the main one.

        Returns
        -------
        DataFrame
            Columns ``choice, value, verdict``; empty when no single change does.

        Raises
        ------
        KeyError
            If `multiverse` has not been called.
        """
        return multiverse.flips(self.results, self.entry.axes, self.specification)

    def distinct(self) -> str:
        """Say which choices change nothing on this day, and how many specifications that leaves.

        Returns
        -------
        str
            Markdown; empty when every choice changes something.

        Raises
        ------
        KeyError
            If `multiverse` has not been called.
        """
        left = multiverse.distinct(self.results, self.entry.axes)
        idle = [f"*{name.replace('_', ' ')}*" for name in self.entry.axes if name not in left]
        if not idle:
            return ""
        are = "is" if len(left) == 1 else "are"
        of = f"of the {prose.number(len(self.results))} specifications, {prose.word(len(left))}"
        return f"On this day nothing depends on {prose.listed(idle, 'or')}: {of} {are} distinct."

    def influence(self) -> pd.Series:
        """Return how much each choice moves the verdict (see `multiverse.influence`).

        Returns
        -------
        Series of float
            0 (not at all) to 1 (wholly), indexed by choice, the largest first.

        Raises
        ------
        KeyError
            If `multiverse` has not been called.
        """
        return multiverse.influence(self.results, self.entry.axes)

    def conclude(
        self,
        findings: Findings,
        *,
        headline: tuple[str, float, float, float, str],
        sentence: str,
        cited: Mapping[str, pd.DataFrame],
    ) -> None:
        """Let the registered rule decide, and show the record.

        Parameters
        ----------
        findings : mapping
            A number for every finding of the rule (NaN: could not be computed); more are welcome.
        headline : tuple
            Finding, value, low, high, unit: the one number of this claim (infinite: no bound).
        sentence : str
            The result in one sentence, generated.
        cited : mapping
            Finding to the rows it was computed from (a DataFrame with ``row_id``).

        Raises
        ------
        KeyError
            If a finding of the rule is not given, or `multiverse` has not been called.
        """
        entry, results = self.entry, self.results
        verdict = decide(self.rule, findings).value
        share = multiverse.shares(results)
        name, value, low, high, unit = headline
        self._record = {
            "schema": "kursk-claims/record/1",
            "claim": entry.id,
            "title": entry.title,
            "claimant": entry.claimant,
            "kind": list(entry.kind),
            "as_of": self.as_of,
            "parameters": self.parameters,
            "verdict": verdict,
            "sentence": sentence,
            "headline": {
                "finding": name, "value": _number(value), "low": _number(low),
                "high": _number(high), "unit": unit,
            },
            "findings": {name: _number(value) for name, value in findings.items()},
            "robustness": {
                "specifications": len(results),
                "agree": _number(share.get(verdict, 0.0)),
                "shares": {name: _number(value) for name, value in share.items()},
                "flips": self.flips().to_dict("records"),
                "influence": {name: _number(value) for name, value in self.influence().items()},
            },
            "rule": {"hash": entry.rule_hash, "frozen_on": self.frozen_on},
            "evidence": [self._summary(name) for name in self._loaded],
            "cited": {name: sorted(set(frame["row_id"])) for name, frame in cited.items()},
        }  # fmt: skip
        record.show(self._record)

    def say(self, *paragraphs: str) -> None:
        """Show generated prose, opened by the verdict and its robustness from the record.

        Parameters
        ----------
        *paragraphs : str
            Markdown; empty ones are left out.

        Raises
        ------
        KeyError
            If `conclude` has not been called.
        """
        opening = (
            f"**As of {prose.day(self.as_of)} the claim is {self._record['verdict']}.** "
            f"{self._record['sentence']} Of {prose.number(len(self.results))} defensible "
            f"specifications, {self._spread()}."
        )
        text = "\n\n".join([opening, *filter(None, paragraphs)])
        display(Markdown(escape(text, quote=False)))  # words from the data are never HTML

    def sources(self) -> None:
        """Show every source of the rows cited in the record, with its address.

        Raises
        ------
        KeyError
            If `conclude` has not been called.
        """
        cited = {row for rows in self._record["cited"].values() for row in rows}
        lines = []
        for name, frame in self._loaded.items():
            used = frame[frame["row_id"].isin(cited)]
            grouped = used.groupby(["source", "url"], sort=True)["row_id"].agg(["first", "size"])
            for (source, url), (first, size) in zip(grouped.index, grouped.to_numpy(), strict=True):
                more = f" and {prose.count(int(size) - 1, 'more row')}" if size > 1 else ""
                lines.append(
                    f"<li>{escape(name)}, {escape(first)}{more}: "
                    f'<a href="{escape(url)}" rel="noopener noreferrer">{escape(source)}</a></li>'
                )
        display(HTML(f'<ul class="sources">{"".join(lines)}</ul>'))


def _number(value: float) -> float | int | None:
    """Return a number fit for JSON: six significant digits, whole numbers whole.

    NaN (could not be computed) and infinity (no bound) are null, which JSON has instead.
    """
    value = float(value)
    if not isfinite(value):
        return None
    rounded = round_sig(value)
    return int(rounded) if rounded == int(rounded) and abs(rounded) < 1e15 else rounded
