"""The interface does what its own document says: Schemathesis asks every operation, and judges the answers.

Uploads seldom decode here: the picture door has a fuzz of its own (``make fuzz``, tests/pictures).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, Phase, given, settings, strategies
from starlette.testclient import TestClient
from tests.server.conftest import Colours, asking, bounded

from dinoscope.library.library import Library
from dinoscope.operations.session import Session
from dinoscope.server.app import ROOT, create_app
from dinoscope.settings import Settings

schemathesis = pytest.importorskip("schemathesis")
requests = pytest.importorskip("requests")
from schemathesis import checks  # noqa: E402

NOBODY = cast(Session, SimpleNamespace(library=SimpleNamespace(folder=Path("nowhere"))))
DOCUMENT = create_app(Settings(), NOBODY).openapi()  # without its lifespan an application starts nothing
EXAMPLES = 8  # for each operation; raise it to look harder
SLOW = {"/match/geometry", "/robustness/weakest", "/robustness/weakest/events", "/robustness/curve", "/match"}
checks.load_all_checks()
JUDGES = [
    checks.CHECKS.get_one(name)
    for name in ("content_type_conformance", "response_headers_conformance", "response_schema_conformance")
]
# what a wrong or unlucky request may be answered with; anything else has to be declared
HONEST = {429, 501, 503}
NAMES = {
    "like",
    "unlike",
    "of",
    "picture",
    "here",
    "there",
    "first",
    "second",
}  # parameters that name pictures


def operations() -> dict[str, Any]:
    found = schemathesis.openapi.from_dict(DOCUMENT).get_all_operations()
    return {one.label: one for one in (each.ok() for each in found)}


OPERATIONS = operations()


@pytest.fixture(scope="module")
def everything(
    indexed: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[TestClient, dict[str, list[str]]]]:
    """A server over a library of its own, and real names of what there is."""
    import shutil

    home = tmp_path_factory.mktemp("asked")
    shutil.copytree(indexed, home / "library")
    own = bounded(Settings(library=home / "library", runs=home / "runs", models=home / "models"))
    with (
        Session(Library.open(own.library), own, Colours()) as session,
        asking(create_app(own, session)) as client,
    ):
        sent = (Path(__file__).parents[2] / "docs" / "images" / "library-phone.png").read_bytes()
        query = client.post(f"{ROOT}/queries", content=sent).json()["query"]
        ids = [str(one["id"]) for one in client.get(f"{ROOT}/pictures?limit=5").json()["pictures"]]
        yield client, {"id": ids, "query": [query], "name": [*ids, query]}


@pytest.mark.parametrize("label", OPERATIONS)
def test_every_answer_is_one_of_those_the_document_promises(
    label: str,
    everything: tuple[TestClient, dict[str, list[str]]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    client, real = everything
    operation = OPERATIONS[label]
    monkeypatch.setattr("dinoscope.server.jobs.roots_of", lambda folders: (tmp_path,))  # never this machine's
    monkeypatch.setattr("dinoscope.server.launching.Launches._launched", None)  # nothing is trained
    count = 3 if operation.path.removeprefix(ROOT) in SLOW else EXAMPLES

    @settings(
        max_examples=count,
        database=None,
        derandomize=True,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(data=strategies.data())
    def ask(data: strategies.DataObject) -> None:
        case = data.draw(operation.as_strategy())
        if data.draw(strategies.booleans()):
            give_real_names(case, real, data)
        answer = client.request(**transported(case))
        if answer.status_code in HONEST:
            assert answer.headers["content-type"] == "application/problem+json"
            return
        assert answer.status_code < 500, (answer.status_code, answer.text)
        assert str(answer.status_code) in operation.responses.status_codes or answer.status_code >= 400
        case.validate_response(answer, checks=JUDGES)

    ask()


def give_real_names(case: Any, real: dict[str, list[str]], data: strategies.DataObject) -> None:
    """Pictures that are there, in place of what chance made of their names."""

    def one(kind: str) -> str:
        return str(data.draw(strategies.sampled_from(real[kind])))

    for name in case.path_parameters or {}:
        if name in real:
            case.path_parameters[name] = one(name)
    for name, value in (case.query or {}).items():
        if name in NAMES:
            case.query[name] = [one("name"), one("name")] if isinstance(value, list) else one("name")
    if isinstance(case.body, dict) and "picture" in case.body:
        case.body["picture"] = one("name")


def transported(case: Any) -> dict[str, Any]:
    """What the test client takes, put together by the library that Schemathesis is made for."""
    told = case.as_transport_kwargs(base_url="http://127.0.0.1:7766")
    names = ("method", "url", "params", "headers", "data", "json", "files")
    ready = requests.Request(**{name: told[name] for name in names if name in told}).prepare()
    headers = {name: value for name, value in ready.headers.items() if isinstance(value, str)}
    headers.pop("Host", None)
    body = ready.body.encode() if isinstance(ready.body, str) else ready.body
    return {"method": ready.method, "url": ready.url, "headers": headers, "content": body}
