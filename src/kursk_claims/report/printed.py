"""The report on paper: scoreboard, claims and method as one PDF, through a headless Chromium."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from kursk_claims.errors import ReportError
from kursk_claims.report.pages import policy, whole_sheet

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-pdf-header-footer",
)  # fmt: skip
FILE = "report.pdf"
MINUTES = 5
CONTENT = re.compile(r"</nav>\n(<header.*)<script>", flags=re.DOTALL)
"""A page between the navigation of the site and its script."""
ARTICLE = re.compile(r"\.strips\{--article:[^}]*\}")
"""Where the article's day falls among the weeks, in the style sheet of the index."""


def browser() -> str:
    """Return the command of a Chromium on this machine.

    Raises
    ------
    ReportError
        If there is none.
    """
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        raise ReportError(
            f"no Chromium here ({', '.join(BROWSERS)}), so no PDF; the report itself is complete"
        )
    return found


def as_pdf(site: Path) -> Path:
    """Print a finished report to ``report.pdf`` inside it, whole or not at all.

    The rows of evidence are left out: they would fill some thousand sheets.

    Raises
    ------
    ReportError
        If there is no Chromium, or it fails.
    """
    command, out = browser(), site / FILE
    with tempfile.TemporaryDirectory(prefix=".print-", dir=site) as folder:
        page, partial = Path(folder, "print.html"), Path(folder, FILE)
        page.write_text(one_page(site), encoding="utf-8", newline="\n")
        profile = f"--user-data-dir={folder}/profile"
        boxed = [] if os.name == "nt" or os.geteuid() else ["--no-sandbox"]  # root has no sandbox
        target = [f"--print-to-pdf={partial}", page.resolve().as_uri()]
        try:
            done = subprocess.run(
                [command, *FLAGS, *boxed, profile, *target],
                capture_output=True, text=True, check=False, timeout=60 * MINUTES,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ReportError(f"{Path(command).name} could not print: {error}") from None
        if done.returncode or not partial.is_file():
            last = (done.stderr.strip().splitlines() or ["no word"])[-1]
            raise ReportError(f"{Path(command).name} could not print: {last[:200]}")
        partial.replace(out)
    return out


def one_page(site: Path) -> str:
    """Return scoreboard, claims and method as one page, in that order, linked among themselves."""
    names = ["index.html", *(f"claims/{p.name}" for p in sorted((site / "claims").glob("*.html")))]
    names.append("method.html")
    pages = {name: (site / name).read_text("utf-8") for name in names}
    sheets = [_sheet(name, html, names) for name, html in pages.items()]
    css = whole_sheet() + "".join(ARTICLE.findall(pages["index.html"]))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy(css)}">'
        f"<title>Kursk claims</title><style>{css}</style></head>"
        f"<body>\n{''.join(sheets)}</body></html>\n"
    )


def _sheet(name: str, html: str, names: list[str]) -> str:
    """Return the content of a page with ids of its own, so that many fit into one."""
    found = CONTENT.search(html)
    if found is None:
        raise ReportError(f"{name} is not a page of this report; build it again")
    body = re.sub(r"<script.*?</script>|<template.*?</template>", "", found[1], flags=re.DOTALL)
    body = body.replace(' loading="lazy"', "")
    body = body.replace("<main ", "<div ").replace("</main>", "</div>")
    prefix = _prefix(name)
    body = re.sub(r'\b(id|for|aria-labelledby)="([^"]+)"', rf'\1="{prefix}\2"', body)
    body = re.sub(r'\bname="day"', f'name="{prefix}day"', body)
    body = re.sub(r'href="([^"]*)"', lambda m: _link(m[1], name, names), body)
    body = re.sub(r'src="(?:\.\./)*(figures/)', r'src="../\1', body)
    return f'<section class="sheet" id="{prefix}top">\n{body}</section>\n'


def _prefix(name: str) -> str:
    return f"{Path(name).stem}-"


def _link(address: str, name: str, names: list[str]) -> str:
    """Return the attribute for a link: inside the print, to the web, or none at all."""
    if address.startswith(("http:", "https:")):
        return f'href="{address}"'
    path, _, anchor = address.partition("#")
    target = path.removeprefix("../") if path else name
    if target not in names:
        return ""
    return f'href="#{_prefix(target)}{anchor or "top"}"'
