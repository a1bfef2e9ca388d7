"""One way to make a page: our templates, one style sheet, one script, and a strict policy."""

import base64
import hashlib
import re
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

import jinja2
from markupsafe import Markup

from kursk_claims import __version__
from kursk_claims.display import prose
from kursk_claims.display.style import VERDICTS
from kursk_claims.report import look, machine
from kursk_claims.report.clean import is_web

SIDES = {
    "russia_official": "Russian officials",
    "ukraine_official": "Ukrainian officials",
    "western_official": "Western officials",
    "independent": "independent",
    "media_analysis": "media and analysts",
    "poll": "pollster",
}
"""Who speaks, in words; a side that is not listed is shown as it stands in the table."""


PARTS = {
    "index.html": "index", "claim.html": "claim", "tables.html": "evidence",
    "table.html": "evidence", "method.html": "method",
}  # fmt: skip
"""Which part of the style sheet and of the script each template needs, beside what all do."""
PART = re.compile(r"^(?:/\*|//) == ([\w ]+):.* ==(?: \*/)?$", flags=re.MULTILINE)


class Pages:
    """The templates, with what every page needs."""

    def __init__(self, **shared: Any) -> None:
        css, script = (_template_text(name) for name in ("style.css", "script.js"))
        last = look.verdict_css() + str(shared.pop("css", ""))
        self._parts = {
            part: (Markup(_dense(_part(css, part)) + last), Markup(_tight(_part(script, part))))
            for part in PARTS.values()
        }
        self._environment = _environment()
        self._environment.globals.update(
            verdicts=VERDICTS, meanings=look.MEANINGS, sides=SIDES, version=__version__,
            count=prose.count, zip=zip, **shared,
        )  # fmt: skip

    def render(self, template: str, address: str, **context: Any) -> str:
        """Return the page that will stand at `address`, relative to the index."""
        css, script = self._parts[PARTS[template]]
        return self._environment.get_template(template).render(
            up="../" * address.count("/"), address=address, css=css, script=script,
            policy=policy(css, script), **context,
        )  # fmt: skip


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("kursk_claims.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        day=prose.day, percent=prose.percent, number=prose.number, listed=prose.listed,
        spread=look.spread, commonest=look.commonest, css_class=look.css_class,
        fill_of=look.fill_of, counts=machine.counts, inert=machine.inert_json, plain=plain_number,
        words=words, site=site_of,
    )  # fmt: skip
    environment.tests["web"] = is_web
    return environment


def plain_number(value: float | None) -> str:
    """Return a number as a reader writes it: ``0.5``, ``121,000``; None as ``not known``."""
    if value is None:
        return prose.number(float("nan"))
    if value == int(value):
        return prose.number(value)
    text = f"{value:.3g}" if abs(value) < 10 else prose.number(value, 1)
    return text.replace("-", prose.MINUS)


def words(name: str) -> str:
    """Return a column's or a finding's name in words: ``rise_share`` as ``rise share``."""
    return name.replace("_", " ")


def site_of(address: str) -> str:
    """Return whose address it is: ``tass.com`` for ``https://www.tass.com/x``."""
    return urlsplit(address).netloc.removeprefix("www.")


def _template_text(name: str) -> str:
    return files(__package__).joinpath("templates", name).read_text("utf-8")


def whole_sheet() -> str:
    """Return the style sheet with all its parts, for a page that holds all kinds."""
    return _template_text("style.css") + look.verdict_css()


def _part(text: str, part: str) -> str:
    """Return what a kind of page needs of a sheet or script: what all need, and its own."""
    pieces = PART.split(text)
    named = zip(pieces[1::2], pieces[2::2], strict=True)
    own = [piece for names, piece in named if {part, "all"} & set(names.split())]
    return pieces[0] + "".join(own)


def _tight(text: str) -> str:
    """Return a sheet or script without its indents and whole-line comments."""
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith(("/*", "//")))


def _dense(css: str) -> str:
    """Return a sheet without the blanks that only a writer needs."""
    css = _tight(css).replace(" {", "{").replace("{ ", "{").replace("; }", "}").replace(";}", "}")
    return css.replace(": ", ":").replace("; ", ";").replace(", ", ",").replace("{\n", "{")


def policy(css: str, script: str = "") -> str:
    """Return a content-security policy for a page: this sheet, this script, and nothing else.

    Images are files beside the page; ``data:`` is for its icon, which is empty.
    """
    allowed = f"script-src '{_hash(script)}'; " if script else ""
    return (
        f"default-src 'none'; style-src '{_hash(css)}'; {allowed}img-src 'self' data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
