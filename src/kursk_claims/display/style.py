"""The look of verdicts and sides: never by colour alone."""

from dataclasses import dataclass, replace

from kursk_claims.analysis.verdict import Verdict


@dataclass(frozen=True)
class Look:
    """A word, a mark and a colour that belong together."""

    label: str
    mark: str
    colour: str


VERDICTS: dict[str, Look] = {
    Verdict.SUPPORTED: Look("supported", "\u25cf", "#1f5fa8"),
    Verdict.MOSTLY_SUPPORTED: Look("mostly supported", "\u25d5", "#6ba3d6"),
    Verdict.MIXED: Look("mixed", "\u25d1", "#a8a8a8"),
    Verdict.MOSTLY_CONTRADICTED: Look("mostly contradicted", "\u25d4", "#e79a5d"),
    Verdict.CONTRADICTED: Look("contradicted", "\u25cb", "#b4471c"),
    Verdict.UNRESOLVED: Look("unresolved", "?", "#ffffff"),
}
"""Blue to orange, which stays apart for colour-blind readers; the mark fills as support grows."""

SIDES: dict[str, Look] = {
    "russia_official": Look("Russian officials", "s", "#b4471c"),
    "ukraine_official": Look("Ukrainian officials", "o", "#1f5fa8"),
    "western_official": Look("Western officials", "^", "#4b4b4b"),
    "independent": Look("independent", "D", "#1a1a1a"),
    "media_analysis": Look("media and analysts", "v", "#8a8a8a"),
    "poll": Look("pollsters", "P", "#1a1a1a"),
}
"""``mark`` is matplotlib's marker: the warring parties differ by shape as well as colour."""

PARTIES: dict[str, Look] = {
    "ukraine": Look("Ukraine", "o", "#1f5fa8"),
    "russia": Look("Russia", "s", "#b4471c"),
}
"""In the shapes and colours that `SIDES` gives their officials."""

ACTORS: dict[str, Look] = {
    "Russia": PARTIES["russia"],
    "Ukraine": PARTIES["ukraine"],
    "both": Look("Russia and Ukraine together", "D", "#1a1a1a"),
    "others": Look("others, or with others", "X", "#6b6b6b"),
}
"""Who acts in an event that either side, both or others may have a part in."""

LOSERS: dict[str, Look] = {
    "ukraine": replace(PARTIES["ukraine"], label="Ukrainian losses"),
    "russia": replace(PARTIES["russia"], label="Russian losses"),
}


@dataclass(frozen=True)
class Fill:
    """A word, a colour, a hatching and the colour of its lines that belong together."""

    label: str
    colour: str
    hatch: str
    edge: str


CONTROL: dict[str, Fill] = {
    "russian_held": Fill("held or unknown before", "#ffffff00", "...", "#a8a8a8"),
    "unknown": Fill("unknown", "#eef1f4", "/////", "#6b6b6b"),
    "ukrainian_held": Fill("held by Ukraine", "#9cc0e4", "", "#1f5fa8"),
}
"""Status of a cell of the control grid, drawn in this order; told apart without colour."""

INK = "#1a1a1a"
MUTED = "#6b6b6b"
FAINT = "#d4d4d4"
ACCENT = "#1f5fa8"
CONTRAST = "#b4471c"
