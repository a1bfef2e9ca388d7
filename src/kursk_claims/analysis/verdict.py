"""Verdict words and the rule that chooses one."""

import math
import operator
from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """The six words, in the order of the scale; ``unresolved`` stands beside it."""

    SUPPORTED = "supported"
    MOSTLY_SUPPORTED = "mostly supported"
    MIXED = "mixed"
    MOSTLY_CONTRADICTED = "mostly contradicted"
    CONTRADICTED = "contradicted"
    UNRESOLVED = "unresolved"

    @property
    def rank(self) -> int:
        """Place on the scale, 0 (supported) to 4 (contradicted); 5 for unresolved."""
        return list(Verdict).index(self)


_COMPARE = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "==": operator.eq,
}


def decide(rule: Mapping[str, Any], findings: Mapping[str, float]) -> Verdict:
    """Return the verdict that a registered rule gives for the findings.

    The rule is a ladder: the first step whose conditions all hold gives the verdict. A finding that
    the rule names and that is missing (NaN) leaves the claim unresolved.

    Parameters
    ----------
    rule : mapping
        ``findings`` (name to meaning), ``ladder`` (steps with ``when``, finding to comparison such
        as ``">= 0.5"``, and ``verdict``) and ``otherwise``, as in ``data/claims.yaml``.
    findings : mapping
        A number for every finding the rule names; NaN where it could not be computed.

    Raises
    ------
    KeyError
        If a finding that the rule names is not given at all.
    """
    values = {name: float(findings[name]) for name in rule["findings"]}
    if any(math.isnan(value) for value in values.values()):
        return Verdict.UNRESOLVED
    for step in rule["ladder"]:
        if all(_holds(values[name], condition) for name, condition in step["when"].items()):
            return Verdict(step["verdict"])
    return Verdict(rule["otherwise"])


def _holds(value: float, condition: str) -> bool:
    sign, threshold = condition.split(" ")
    return bool(_COMPARE[sign](value, float(threshold)))


def describe(rule: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the rule as (verdict, conditions in words), one pair a step, for a reader."""
    steps = [
        (step["verdict"], " and ".join(f"{name} {test}" for name, test in step["when"].items()))
        for step in rule["ladder"]
    ]
    return [*steps, (rule["otherwise"], "otherwise")]
