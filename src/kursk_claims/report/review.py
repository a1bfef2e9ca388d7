"""schema.org's ClaimReview: the verdict in the form that search engines and archives read.

https://schema.org/ClaimReview. It tells the later of the two days. A rating stands only where the
verdict has a place on the scale: `unresolved` is beside it and gets none.
"""

import json
from importlib.resources import files
from typing import Any

from kursk_claims.analysis.verdict import Verdict
from kursk_claims.evidence.documents import check
from kursk_claims.report.runs import Tested

ARTICLE = "the article"
"""The claimant of what the article says in its own voice: then its publisher is the author."""
BEST, WORST = 5, 1


def review(tested: Tested, article: dict[str, str], citation: dict[str, Any]) -> str:
    """Return the ClaimReview of a claim as JSON-LD, checked against ``review.schema.json``.

    The claim and its appearance carry the day the registry gives; the review is dated by the
    release that CITATION.cff names, and ``contentReferenceTime`` says as of which day it judges.
    """
    entry, record = tested.entry, tested.latest.record
    document = {
        "@context": "https://schema.org",
        "@type": "ClaimReview",
        "url": f"{entry.id}.html",
        "inLanguage": "en",
        "name": entry.question,
        "claimReviewed": entry.title,
        "reviewBody": record["sentence"],
        "contentReferenceTime": record["as_of"],
        "datePublished": str(citation["date-released"]),
        "version": str(citation["version"]),
        "author": [{"@type": "Organization", "name": a["name"]} for a in citation["authors"]],
        "itemReviewed": _claim(entry.claimant, entry.title, article),
        **_rating(record["verdict"]),
    }
    check(document, schema())
    return json.dumps(document, ensure_ascii=False, indent=1)


def schema() -> str:
    """Return the JSON Schema of the part of ClaimReview that the report uses."""
    return files(__package__).joinpath("review.schema.json").read_text("utf-8")


def _claim(claimant: str, title: str, article: dict[str, str]) -> dict[str, Any]:
    """Return the claim, its author and where it appeared, as registered.

    Whether a claimant is a person or a body is not registered, so only the publisher, who speaks
    where the article does, has a type.
    """
    publisher = {"@type": "Organization", "name": article["publisher"]}
    return {
        "@type": "Claim",
        "text": title,
        "author": publisher if claimant == ARTICLE else {"name": claimant},
        "datePublished": article["appeared_on"],
        "appearance": {
            "@type": "NewsArticle",
            "url": article["copy_url"],
            "datePublished": article["appeared_on"],
            "publisher": publisher,
        },
    }


def _rating(verdict: str) -> dict[str, Any]:
    if verdict == Verdict.UNRESOLVED:
        return {}
    rating = {
        "@type": "Rating",
        "ratingValue": BEST - Verdict(verdict).rank,
        "bestRating": BEST,
        "worstRating": WORST,
        "alternateName": verdict,
    }
    return {"reviewRating": rating}
