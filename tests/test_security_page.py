"""docs/security.md claims nothing that no test would notice."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE)))


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_the_tests_that_the_page_names_are_there(file: str, name: str) -> None:
    path = ROOT / file
    assert path.is_file()
    assert not name or re.search(rf"^(async )?def {name}\(", path.read_text("utf-8"), re.MULTILINE)


def test_every_claim_names_a_test() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and "claim | proved by" not in line]
    assert len(rows) > 20
    assert [row for row in rows if "`tests/" not in row] == []
