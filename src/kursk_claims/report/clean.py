"""Make the HTML of a notebook safe and accessible before it enters a page.

The notebooks are ours, but a page is opened far from where they ran, so nothing is taken on trust:
elements and attributes that are not on a short list do not get through.
"""

import re
from html import escape
from html.parser import HTMLParser
from urllib.parse import urlsplit

KEEP = frozenset(
    {
        "a", "abbr", "b", "blockquote", "br", "caption", "code", "dd", "del", "div", "dl", "dt",
        "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "li", "ol", "p", "pre", "section",
        "span", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul",
    }
)  # fmt: skip
VOID = frozenset({"br", "hr"})
DROP = frozenset(
    {
        "iframe", "math", "noscript", "object", "script", "select", "style", "svg", "template",
        "textarea", "title",
    }
)  # fmt: skip
"""Elements that go with everything in them; of others not in `KEEP` the text stays."""
CLASSES = frozenset({"contract", "dataframe", "record", "sources", "verdict"})
SCOPES = frozenset({"row", "col", "rowgroup", "colgroup"})
ROW = r"<tr[^>]*>((?:(?!</tr>).)*)</tr>\s*"
HEAD = re.compile(rf"<thead>\s*{ROW}{ROW}</thead>", re.DOTALL)
EMPTY = re.compile(r"<thead>\s*<tr[^>]*>\s*(?:<th[^>]*>\s*</th>\s*)+</tr>\s*</thead>")
"""Markdown has no table without headings, so a table that wants none has empty ones."""
HEADING = re.compile(r"<th>([^<]*)</th>")
NUMBER = re.compile(r"[+\-\u2212]?\d[\d,]*(\.\d+)?(e[+\-]?\d+)?%?|NaN|None")
DAY = re.compile(r"\d{4}-\d\d-\d\d")


def is_web(address: str) -> bool:
    """Return whether an address is one the report may link to: http or https, with a host."""
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc)


def clean(html: str, label: str, deeper: int = 0) -> str:
    """Return a fragment of HTML that cannot act, load anything or break out of its place.

    Parameters
    ----------
    html : str
        A fragment.
    label : str
        What a table is called that has no caption of its own; plain text.
    deeper : int
        By how many levels headings are moved down.

    Returns
    -------
    str
        Well-formed HTML. Tables stand in a container that scrolls, have a caption, and their
        headings a scope; links to the web do not tell where the reader came from.
    """
    cleaner = _Cleaner(label, deeper)
    cleaner.feed(HEAD.sub(_one_row, EMPTY.sub("", html)))
    cleaner.close()
    return cleaner.result()


def _one_row(head: re.Match[str]) -> str:
    """Merge the two heading rows of pandas, columns and index, where neither hides the other."""
    upper, lower = (HEADING.findall(row) for row in head.groups())
    fits = len(upper) == len(lower) and not any(a and b for a, b in zip(upper, lower, strict=True))
    if not fits:
        return head.group()
    names = (f"<th>{a or b}</th>" for a, b in zip(upper, lower, strict=True))
    return f"<thead><tr>{''.join(names)}</tr></thead>"


class _Cleaner(HTMLParser):
    def __init__(self, label: str, deeper: int) -> None:
        super().__init__(convert_charrefs=True)
        self.label = escape(label)
        self.tables = 0
        self.deeper = deeper
        self.out: list[str] = []
        self.open: list[tuple[str, int]] = []  # tag, its place in `out`
        self.dropping = 0

    def result(self) -> str:
        while self.open:
            self._close()
        return "".join(self.out)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in DROP:
            self.dropping += 1
        if self.dropping or tag not in KEEP:
            return
        if tag == "table":
            self.tables += 1
            self.out.append(
                f'<div class="scroll" role="region" tabindex="0" aria-label="{self._label()}">'
            )
        text = f"<{self._name(tag)}{self._attributes(tag, dict(attrs))}>"
        if tag not in VOID:
            self.open.append((tag, len(self.out)))
        self.out.append(text)

    def handle_endtag(self, tag: str) -> None:
        if tag in DROP:
            self.dropping = max(self.dropping - 1, 0)
        elif not self.dropping and any(tag == name for name, _ in self.open):
            while self._close() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if not self.dropping:
            self.out.append(escape(data))

    def _close(self) -> str:
        tag, place = self.open.pop()
        inside = self.out[place + 1 :]
        text = "".join(inside).strip() if tag == "td" else ""
        kind = "num" if NUMBER.fullmatch(text) else "day" if DAY.fullmatch(text) else None
        if kind:
            self.out[place] = self.out[place].replace("<td", f'<td class="{kind}"', 1)
        if tag == "table" and not any(piece.startswith("<caption") for piece in inside):
            self.out[place] += f'<caption class="unseen">{self._label()}</caption>'
        name = self._name(tag)
        if tag == "th" and not "".join(inside).strip():
            name = "td"  # a heading that says nothing heads nothing
            self.out[place] = "<td>"
        self.out.append(f"</{name}>" + ("</div>" if tag == "table" else ""))
        return tag

    def _label(self) -> str:
        return self.label if self.tables < 2 else f"{self.label}, {self.tables}"

    def _name(self, tag: str) -> str:
        heading = len(tag) == 2 and tag[0] == "h" and tag[1].isdigit()
        return f"h{min(int(tag[1]) + self.deeper, 6)}" if heading else tag

    def _attributes(self, tag: str, given: dict[str, str | None]) -> str:
        kept: dict[str, str] = {}
        classes = [name for name in (given.get("class") or "").split() if name in CLASSES]
        if classes:
            kept["class"] = " ".join(classes)
        if tag in {"td", "th"}:
            spans = {name: given.get(name) or "" for name in ("colspan", "rowspan")}
            kept |= {name: value for name, value in spans.items() if value.isdecimal()}
        if tag == "th":
            head = any(name == "thead" for name, _ in self.open)
            scope = given.get("scope") or ""
            kept["scope"] = scope if scope in SCOPES else "col" if head else "row"
        address = given.get("href") or ""
        if tag == "a" and is_web(address):
            kept |= {"href": address.strip(), "rel": "noopener noreferrer"}
        return "".join(f' {name}="{escape(value)}"' for name, value in kept.items())
