"""Build the report: scoreboard, a page a claim, evidence, method, and the same for machines.

It reads executed notebooks, the registry and the tables, and runs nothing. What did not change is
taken from what was kept; a new report takes the place of the old one only when it is complete.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kursk_claims.errors import ReportError
from kursk_claims.evidence.documents import DocumentError
from kursk_claims.evidence.paths import root
from kursk_claims.report import claim_page, machine, method, pictures, review, scoreboard
from kursk_claims.report import evidence as tables
from kursk_claims.report import rows as rows_of
from kursk_claims.report import weeks as timeline
from kursk_claims.report.kept import Kept, code_digest, digest
from kursk_claims.report.pages import Pages
from kursk_claims.report.pictures import Picture
from kursk_claims.report.rows import Evidence, Table, Use
from kursk_claims.report.runs import Run, Tested, read
from kursk_claims.report.site import MARKER, aside, put

if TYPE_CHECKING:  # the registry is the caller's; a report only looks at it
    from kursk_claims.evidence.registry import Registry

__all__ = ["Run", "build"]

INDEX = "index.html"
COPIED = ("datapackage.json", "corrections.yaml", "claims.yaml", "geo/map_layers.geojson")
"""Files of the data folder that are given away beside the tables."""


def build(
    runs: Sequence[Run],
    registry: "Registry",
    out: Path,
    *,
    home: Path | None = None,
    keep: Path | None = None,
    on_wait: Callable[[], object] = lambda: None,
) -> Path:
    """Write the report and put it in the place of the old one, whole.

    Parameters
    ----------
    runs : sequence of Run
        At most one a claim for each of the registry's two days; in any order.
    registry : Registry
        All claims; those without a run are listed as what they are.
    out : Path
        The folder of the report. What it held before is replaced; a folder that holds something
        other than a report is refused.
    home : Path, optional
        The folder of the collection: ``data``, ``CITATION.cff``, ``LICENSE-data.md``.
    keep : Path, optional
        Where finished pages and figures are kept for the next build; nowhere by default.
    on_wait : callable, optional
        Called when another build is at work below the same folder, before its end is awaited.

    Returns
    -------
    Path
        ``out/index.html``.

    Raises
    ------
    ReportError
        If a notebook cannot be read, has no valid record, or has the record of another run or of
        another rule; if a figure has no alt text; if the tables, the timeline, the citation or the
        licences cannot be read. The old report is untouched.
    """
    out = out.resolve()
    for run in runs:
        if run.notebook.resolve().is_relative_to(out):
            raise ReportError(f"{run}: the notebook lies in {out.name}/, which will be replaced")
    tested = read(runs, registry)
    site = _Site(registry, tested, home or root(), Kept(keep))
    with aside(out, on_wait) as new:
        for path, content in site.files():
            put(new / path, content)
        site.kept.tidy()  # in our turn: another build may be about to use what we do not
    return out / INDEX


File = tuple[str, str | bytes]
"""Address relative to the index, and content."""


class _Site:
    """Everything that the pages are made of, read once."""

    def __init__(
        self, registry: "Registry", tested: Sequence[Tested], home: Path, store: Kept
    ) -> None:
        self.registry, self.tested, self.home, self.kept = registry, tested, home, store
        self.evidence = Evidence(home / "data")
        self.weeks = timeline.read(home / "data", registry)
        self.citation = method.citation(home)
        self.behind = [claim_page.rows_behind(one, self.evidence) for one in tested]
        self.uses = tables.uses(zip(tested, self.behind, strict=True))
        self.shared: dict[str, Any] = {
            "article": registry.article,
            "total": len(registry.claims),
            "css": self.weeks.css if self.weeks else "",
        }
        self.pages = Pages(**self.shared)

    def files(self) -> Iterator[File]:
        """Return every file of the site."""
        with ThreadPoolExecutor() as pool:  # images are made smaller while pages are written
            images = pool.map(self._image, self._images())
            for place in range(len(self.tested)):
                yield from self._claim(place)
            for table in self.evidence.tables.values():
                yield from self._table(table)
            yield from self._others()
            yield from self._copies()
            yield from images

    # -- images --------------------------------------------------------------------------------

    def _images(self) -> list[Picture]:
        """Return the images of all pages, each once."""
        found = {p.file: p for one in self.tested for p in claim_page.images_of(one)}
        return list(found.values())

    def _image(self, picture: Picture) -> File:
        key = digest(Path(pictures.__file__).read_bytes(), picture.png)
        return picture.file, self.kept.get(key, partial(pictures.small, picture.png))

    # -- claims --------------------------------------------------------------------------------

    def _claim(self, place: int) -> Iterator[File]:
        """Return the page of a claim, and the numbers behind its figures."""
        one, near = self.tested[place], self._near(place)
        sources = [run.source for run in one.runs]
        around = [other and (other.page, other.entry.title) for other in near.values()]
        key = self._key(one.entry, self.citation, *sources, around, self.behind[place])
        yield from json.loads(self.kept.get(key, partial(self._write_claim, one, near))).items()

    def _near(self, place: int) -> dict[str, Tested | None]:
        """Return the claims before and after one, for the way from page to page."""
        return {
            "before": self.tested[place - 1] if place else None,
            "after": self.tested[place + 1] if place + 1 < len(self.tested) else None,
        }

    def _write_claim(self, one: Tested, near: Mapping[str, Tested | None]) -> bytes:
        try:
            reviewed = review.review(one, self.registry.article, self.citation)
        except DocumentError as error:
            raise ReportError(f"{one.entry.id}: no valid ClaimReview ({error})") from None
        context = claim_page.context(one, self.evidence)
        html = self.pages.render("claim.html", one.page, review=reviewed, **near, **context)
        behind = {p.table: p.as_csv() for p in claim_page.figures_of(one) if p.total}
        return json.dumps({one.page: html, **behind}, ensure_ascii=False).encode()

    # -- evidence ------------------------------------------------------------------------------

    def _table(self, table: Table) -> Iterator[File]:
        """Return the pages of a table."""
        used, readers = self.uses.get(table.name, {}), self._readers(table.name)
        own = self._key(rows_of.key_of(table), sorted(used.items()), readers)
        for number in range(1, len(table.pages) + 1):
            make = partial(self._write_table, table, number, used, readers)
            yield table.page(number), self.kept.get(digest(own, number), make)

    def _write_table(
        self, table: Table, number: int, used: Mapping[str, Sequence[Use]], readers: Any
    ) -> bytes:
        context = tables.page(table, number, used)
        page = self.pages.render("table.html", table.page(number), readers=readers, **context)
        return page.encode()

    def _readers(self, table: str) -> list[tuple[str, str]]:
        """Return the claims that may read a table: id and page, which is empty where none is."""
        pages = {one.entry.id: one.page for one in self.tested}
        return [(e.id, pages.get(e.id, "")) for e in self.registry.claims if table in e.tables]

    def _copies(self) -> Iterator[File]:
        """Return exact copies of the data: what a claim was tested on is given away with it."""
        for table in self.evidence.tables.values():
            yield table.file, table.content
        for name in COPIED:
            path = self.home / "data" / name
            if path.is_file():
                yield f"data/{name}", path.read_bytes()

    # -- the rest ------------------------------------------------------------------------------

    def _others(self) -> Iterator[File]:
        """Return the pages there is one of, and the verdicts for machines."""
        readers = {name: self._readers(name) for name in self.evidence.tables}
        contexts = {
            ("index.html", INDEX): scoreboard.context(self.registry, self.tested, self.weeks),
            ("tables.html", "evidence/index.html"): tables.index(self.evidence, readers),
            ("method.html", "method.html"): method.context(self.registry, self.evidence, self.home),
        }
        for (template, address), context in contexts.items():
            yield address, self.pages.render(template, address, **context)
        yield MARKER, machine.as_json(self.registry, self.tested)
        yield "verdicts.csv", machine.as_csv(self.registry, self.tested)

    def _key(self, *parts: object) -> str:
        return digest(code_digest(), self.shared, *parts)
