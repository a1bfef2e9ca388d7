"""How verdicts look on a page: colours that can be read, marks, words, and the spread over them."""

from collections.abc import Mapping
from dataclasses import dataclass

from kursk_claims.analysis.verdict import Verdict
from kursk_claims.display.record import Record
from kursk_claims.display.style import INK, VERDICTS

WHITE = "#ffffff"
READABLE = 4.5  # WCAG 2.2, level AA, text of ordinary size
FILLS = {"\u25cb": 0, "\u25d4": 25, "\u25d1": 50, "\u25d5": 75, "\u25cf": 100}

MEANINGS: dict[str, str] = {
    Verdict.SUPPORTED: "The evidence bears the claim out, as far as its rule asks.",
    Verdict.MOSTLY_SUPPORTED: "The evidence bears out the main part; something smaller fails.",
    Verdict.MIXED: "Some of it holds and some of it fails, or it depends on the reading.",
    Verdict.MOSTLY_CONTRADICTED: "The main part fails; something smaller holds.",
    Verdict.CONTRADICTED: "The evidence speaks against the claim, as far as its rule asks.",
    Verdict.UNRESOLVED: "Too early to tell on that day, or the evidence is too thin.",
}


@dataclass(frozen=True)
class Part:
    """The share of specifications with one verdict; ``start`` and ``share`` in per cent."""

    verdict: str
    start: float
    share: float
    agrees: bool


def css_class(verdict: str) -> str:
    """Return the class that carries a verdict's colours, such as ``v-mostly-supported``."""
    return f"v-{verdict.replace(' ', '-')}"


def fill_of(mark: str) -> int | None:
    """Return how much of a circle a mark fills, in per cent; None if it is no circle."""
    return FILLS.get(mark)


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours (``#rrggbb``), 1 to 21, as WCAG defines it."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def ink_on(colour: str) -> str:
    """Return the colour for text on `colour`: white where it can be read, else ink."""
    return WHITE if contrast(WHITE, colour) >= READABLE else INK


def verdict_css() -> str:
    """Return the colours of the verdicts as style rules."""
    return "".join(
        f".{css_class(verdict)}{{--fill:{look.colour};--on:{ink_on(look.colour)}}}\n"
        for verdict, look in VERDICTS.items()
    )


def spread(record: Record) -> list[Part]:
    """Return the verdicts of all specifications, in the order of the scale, laid end to end."""
    return laid_out(record["robustness"]["shares"], record["verdict"])


def laid_out(shares: Mapping[str, float], own: str) -> list[Part]:
    """Return shares (0 to 1) of verdicts laid end to end; those of the verdict `own` agree."""
    parts, start = [], 0.0
    for verdict in VERDICTS:
        share = 100 * float(shares.get(verdict, 0))
        if share:
            parts.append(Part(verdict, round(start, 2), round(share, 2), verdict == own))
        start += share
    return parts


def commonest(record: Record) -> Part | None:
    """Return the verdict that more specifications give than the main one, None if there is none."""
    parts = spread(record)
    top = max(parts, key=lambda part: part.share, default=None)
    own = sum(part.share for part in parts if part.agrees)
    return top if top and top.share > own else None


def _luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
