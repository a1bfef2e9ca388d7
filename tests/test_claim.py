"""The handle of a notebook: what it may read, what it takes, and what it records."""

import math

import numpy as np
import pytest

from kursk_claims.claim import Claim
from kursk_claims.display import record as records
from kursk_claims.errors import EvidenceError, KurskError, ParameterError
from kursk_claims.evidence.registry import load_registry

REGISTRY = load_registry()


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[dict]:
    found: list[dict] = []
    monkeypatch.setattr(records, "show", found.append)
    return found


def concluded(shown: list[dict], low: float = 0.0, high: float = 1.0) -> dict:
    claim = Claim("c14")
    rows = claim.load("polls/crises")
    findings = dict.fromkeys(claim.rule["findings"], 0.4)
    claim.multiverse(lambda _: findings)
    headline = (next(iter(findings)), 0.4, low, high, "share")
    claim.conclude(findings, headline=headline, sentence="So.", cited={"rise_share": rows})
    return shown[-1]


def test_a_table_that_is_not_registered_for_the_claim_is_not_read() -> None:
    with pytest.raises(EvidenceError, match="c14 may not read 'polls/direction'"):
        Claim("c14").load("polls/direction")


def test_what_comes_back_is_a_copy_of_what_was_public() -> None:
    claim = Claim("c14", as_of="2015-01-01")
    rows = claim.load("polls/approval")
    assert (rows["published_on"] <= "2015-01-01").all() and len(rows)
    rows["value_pct"] = 0.0
    assert (claim.load("polls/approval")["value_pct"] > 0).any()


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"as_of": "2024-8-1"}, "as_of"),
        ({"window": 2}, "not allowed"),
        ({"window": "3"}, "not of type int"),
        ({"nonsense": 1}, "nonsense"),
        ({"design_effect": math.inf}, "design_effect"),
    ],
)
def test_a_parameter_that_does_not_fit_is_told(parameters: dict, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        Claim("c14", **parameters)


def test_no_such_claim_is_told() -> None:
    with pytest.raises(KurskError, match="c99"):
        Claim("c99")


def test_before_a_table_is_loaded_there_is_no_evidence() -> None:
    assert Claim("c14").evidence().empty


def test_the_record_holds_numbers_that_json_has(shown: list[dict]) -> None:
    found = concluded(shown, low=np.nan, high=np.inf)
    assert found["headline"]["low"] is None and found["headline"]["high"] is None
    assert found["headline"]["value"] == pytest.approx(0.4)


def test_the_record_names_rule_rows_and_every_specification(shown: list[dict]) -> None:
    found, entry = concluded(shown), REGISTRY["c14"]
    assert found["rule"]["hash"] == entry.rule_hash
    assert found["robustness"]["specifications"] == math.prod(map(len, entry.axes.values()))
    assert found["robustness"]["agree"] == 1 and found["robustness"]["flips"] == []
    (table,) = found["evidence"]
    assert table["table"] == "polls/crises" and table["rows"] == len(found["cited"]["rise_share"])
    assert set(entry.axes) == set(found["robustness"]["influence"])
