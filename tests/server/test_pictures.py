"""Listing, details, images, and forgetting."""

from __future__ import annotations

import io
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from starlette.testclient import TestClient
from tests.server.conftest import WEIRD, Colours, asking, paint

from dinoscope.errors import LibraryReadOnly
from dinoscope.library.library import Library
from dinoscope.operations.indexing import index_folders
from dinoscope.operations.session import Session
from dinoscope.server.app import create_app
from dinoscope.server.resources.pictures import disposition
from dinoscope.settings import Settings

IdOf = Callable[[TestClient, str], int]
PICTURES = "/api/v1/pictures"


def opened(body: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(body))
    image.load()
    return image


@pytest.fixture
def own(tmp_path: Path, settings: Settings) -> Path:
    """A folder with three pictures, which a test may spoil, in a library of its own."""
    folder = tmp_path / "own"
    folder.mkdir()
    for seed in range(3):
        paint(seed, 400, 300).save(folder / f"{seed}.png")
    shutil.rmtree(settings.library)
    with Library.open(settings.library, write=True) as library:
        list(index_folders([folder], library, Colours(), settings))
    return folder


def test_about_tells_what_a_page_needs(client: TestClient, settings: Settings, pictures: Path) -> None:
    about = client.get("/api/v1/about").json()
    assert about["model"]["key"] == Colours.identity.key
    assert about["model"]["dimension"] == 48
    assert about["library"]["pictures"] == 24
    assert about["library"]["contents"] == 23
    assert about["library"]["roots"] == [str(pictures)]
    assert about["library"]["folder"] == str(settings.library)
    assert about["library"]["read_only"] is False
    assert about["limits"]["max_bytes"] == 2**20
    assert about["auth"] is False


def test_pages_hold_every_picture_once(reader: TestClient) -> None:
    seen, after = [], None
    while True:
        page = reader.get(PICTURES, params={"limit": 7} | ({"after": after} if after else {})).json()
        seen += [one["id"] for one in page["pictures"]]
        after = page["next"]
        if after is None:
            break
    assert page["total"] == len(seen) == len(set(seen)) == 24


@pytest.mark.parametrize("order", ["added", "taken", "path", "size"])
@pytest.mark.parametrize("descending", [True, False])
def test_pages_stay_whole_while_pictures_are_added(
    client: TestClient, settings: Settings, tmp_path: Path, order: str, descending: bool
) -> None:
    """Each picture that was there at the start is seen exactly once."""
    before = {one["id"] for one in client.get(f"{PICTURES}?limit=1000").json()["pictures"]}
    seen: list[int] = []
    ask = {"limit": "9", "order": order, "descending": str(descending).lower()}
    for round in range(100):
        page = client.get(PICTURES, params=ask).json()
        seen += [one["id"] for one in page["pictures"]]
        if page["next"] is None:
            break
        ask["after"] = page["next"]
        more = tmp_path / f"more{round}"
        more.mkdir()
        paint(1000 + round).save(more / "new.png")
        with Library.open(settings.library, write=True) as library:
            list(index_folders([more], library, Colours(), settings))
    assert len(seen) == len(set(seen))
    assert before <= set(seen)


@pytest.mark.parametrize(
    ("where", "total"),
    [
        ("kind=jpeg", 10),
        ("kind=jpeg and width>=900", 1),
        ("camera~nikon", 1),
        ("taken=2021-07", 1),
        ("has:place", 0),
        ('name="dated.jpg"', 1),
        ("", 24),
    ],
)
def test_filters_narrow_the_listing(reader: TestClient, where: str, total: int) -> None:
    assert reader.get(PICTURES, params={"where": where}).json()["total"] == total


def test_several_filters_must_all_hold(reader: TestClient) -> None:
    assert reader.get(PICTURES, params={"where": ["kind=jpeg", "camera~nikon"]}).json()["total"] == 1


def test_facets_count_what_passes(reader: TestClient, pictures: Path) -> None:
    facets = reader.get("/api/v1/facets").json()
    assert {one["value"]: one["count"] for one in facets["kinds"]} == {"jpeg": 10, "png": 8, "webp": 6}
    assert facets["cameras"] == [{"value": "Nikon D40", "count": 1}]
    assert facets["years"] == [{"value": "2021", "count": 1}]
    assert {one["value"] for one in facets["folders"]} == {str(pictures / "one"), str(pictures / "two")}
    assert reader.get("/api/v1/facets?where=kind=png").json()["cameras"] == []


def test_details_name_the_copies_and_what_the_camera_wrote(
    reader: TestClient, id_of: IdOf, pictures: Path
) -> None:
    first = reader.get(f"{PICTURES}/{id_of(reader, '00.jpg')}").json()
    assert [copy["name"] for copy in first["copies"]] == ["copy of 00.jpg"]
    dated = reader.get(f"{PICTURES}/{id_of(reader, 'dated.jpg')}").json()
    assert (dated["camera"], dated["taken_at"]) == ("Nikon D40", "2021-07-04T12:00:00")
    assert dated["path"] == str(pictures / "two" / "dated.jpg")
    assert dated["added_at"].endswith("Z")
    assert dated["copies"] == []


@pytest.mark.parametrize("side", [160, 320, 640])
def test_a_thumbnail_is_as_large_as_asked(reader: TestClient, id_of: IdOf, side: int) -> None:
    answer = reader.get(f"{PICTURES}/{id_of(reader, 'large.jpg')}/thumbnail?side={side}")
    assert answer.headers["content-type"] == "image/webp"
    image = opened(answer.content)
    assert image.format == "WEBP"
    assert max(image.size) == side
    assert abs(image.width / image.height - 900 / 700) < 0.02


def test_an_odd_side_gets_the_next_larger_thumbnail(reader: TestClient, id_of: IdOf) -> None:
    assert (
        max(opened(reader.get(f"{PICTURES}/{id_of(reader, 'large.jpg')}/thumbnail?side=200").content).size)
        == 320
    )


def test_a_small_picture_is_not_enlarged(reader: TestClient, id_of: IdOf) -> None:
    assert opened(reader.get(f"{PICTURES}/{id_of(reader, '02.webp')}/image?side=1600").content).size == (
        96,
        64,
    )


def test_the_image_shows_the_picture_and_says_nothing_of_the_camera(reader: TestClient, id_of: IdOf) -> None:
    answer = reader.get(f"{PICTURES}/{id_of(reader, 'dated.jpg')}/image")
    image = opened(answer.content)
    assert not image.getexif()
    assert b"Nikon" not in answer.content
    wanted = paint(32).resize((4, 4), Image.Resampling.BOX)
    seen = image.convert("RGB").resize((4, 4), Image.Resampling.BOX)
    differences = [abs(a - b) for a, b in zip(wanted.tobytes(), seen.tobytes(), strict=True)]
    assert max(differences) < 40


def test_a_browser_may_keep_what_it_names_by_its_content(reader: TestClient, id_of: IdOf) -> None:
    id = id_of(reader, "large.jpg")
    content = reader.get(f"{PICTURES}/{id}").json()["content"]
    for kind in ("thumbnail?side=640", "thumbnail?side=160", "image?side=500"):
        named = reader.get(f"{PICTURES}/{id}/{kind}&v={content}")
        assert "immutable" in named.headers["cache-control"]
        assert "immutable" not in reader.get(f"{PICTURES}/{id}/{kind}&v=other").headers["cache-control"]
        again = reader.get(f"{PICTURES}/{id}/{kind}", headers={"If-None-Match": named.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    tags = {reader.get(f"{PICTURES}/{id}/thumbnail?side={side}").headers["etag"] for side in (160, 320, 640)}
    assert len(tags) == 3


def test_a_lost_thumbnail_is_made_again(client: TestClient, settings: Settings, id_of: IdOf) -> None:
    id = id_of(client, "large.jpg")
    before = client.get(f"{PICTURES}/{id}/thumbnail").content
    shutil.rmtree(settings.library / "thumbnails")
    after = client.get(f"{PICTURES}/{id}/thumbnail").content
    assert opened(after).size == opened(before).size
    assert list((settings.library / "thumbnails").rglob("*.webp")), "and kept"


def test_the_original_is_the_file_byte_by_byte(reader: TestClient, id_of: IdOf, pictures: Path) -> None:
    answer = reader.get(f"{PICTURES}/{id_of(reader, 'dated.jpg')}/original")
    assert answer.content == (pictures / "two" / "dated.jpg").read_bytes()
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["content-length"] == str(len(answer.content))
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_download_keeps_a_name_with_anything_in_it(reader: TestClient, id_of: IdOf) -> None:
    header = reader.get(f"{PICTURES}/{id_of(reader, WEIRD)}/original").headers["content-disposition"]
    assert header.startswith('attachment; filename="ein _Bild_ ')
    assert header.endswith("filename*=UTF-8''ein%20%22Bild%22%20%C5%BE%E8%9B%99%3B%20a%3Db.png")


@pytest.mark.parametrize(
    "name", ["a\r\nSet-Cookie: x", 'a"; filename="b', "ä\\", "\x00", "..", "a/b", "%41.jpg"]
)
def test_a_name_cannot_break_out_of_the_header(name: str) -> None:
    header = disposition(name)
    assert header.isascii()
    assert header.isprintable()
    assert header.count('"') == 2
    assert "\\" not in header
    assert "%41" not in header.partition("filename*")[0], "some browsers decode the plain name too"


def test_a_vanished_file_is_a_404_but_its_thumbnail_stays(own: Path, client: TestClient, id_of: IdOf) -> None:
    id = id_of(client, "0.png")
    (own / "0.png").unlink()
    for kind in ("original", "image", "thumbnail?side=640"):
        answer = client.get(f"{PICTURES}/{id}/{kind}")
        assert answer.status_code == 404, kind
        assert "0.png" in answer.json()["detail"]
    for side in (160, 320):
        assert client.get(f"{PICTURES}/{id}/thumbnail?side={side}").status_code == 200


@pytest.mark.parametrize("kind", ["original", "image", "thumbnail?side=640"])
def test_a_row_never_leads_to_a_file_that_is_no_picture(
    own: Path, client: TestClient, id_of: IdOf, kind: str
) -> None:
    """Somebody who can write into a picture folder could put a link there, or something else."""
    id = id_of(client, "0.png")
    secret = own.parent / "secret"
    secret.write_text("the password")
    for put in (
        lambda path: path.symlink_to(secret),
        os.mkfifo,
        os.mkdir,
        lambda path: path.write_text("secret"),
    ):
        (own / "0.png").unlink(missing_ok=True)
        put(own / "0.png")
        answer = client.get(f"{PICTURES}/{id}/{kind}")
        assert 400 <= answer.status_code < 500
        assert b"password" not in answer.content
        if (own / "0.png").is_dir():
            (own / "0.png").rmdir()


@pytest.mark.parametrize("kind", ["original", "image", "thumbnail?side=640"])
@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_link_out_of_the_library_is_not_followed(
    own: Path, client: TestClient, id_of: IdOf, kind: str, what: str
) -> None:
    """A picture of the same kind and size that was never indexed is as private as a password."""
    id = id_of(client, "0.png")
    outside = own.parent / "outside"
    outside.mkdir()
    paint(77).save(outside / "0.png")
    if what == "file":
        (own / "0.png").unlink()
        (own / "0.png").symlink_to(outside / "0.png")
    else:
        own.rename(own.parent / "moved")
        own.mkdir()
        (own / "0.png").symlink_to(outside / "0.png")
    answer = client.get(f"{PICTURES}/{id}/{kind}")
    assert answer.status_code == 404
    assert "leads out of its folder" in answer.json()["detail"]
    for path in (f"/look?picture={id}", f"/robustness/picture?of={id}", f"/match?here={id}&there=2"):
        assert client.get(f"/api/v1{path}").status_code == 404


def test_a_link_within_the_library_is_followed(own: Path, client: TestClient, id_of: IdOf) -> None:
    id = id_of(client, "0.png")
    (own / "0.png").rename(own / "elsewhere")
    (own / "0.png").symlink_to(own / "elsewhere")
    assert client.get(f"{PICTURES}/{id}/original").content == (own / "elsewhere").read_bytes()


def test_a_library_whose_folder_moved_behind_a_link_still_shows_it(
    own: Path, client: TestClient, id_of: IdOf
) -> None:
    id = id_of(client, "0.png")
    own.rename(own.parent / "larger disk")
    own.symlink_to(own.parent / "larger disk")
    assert client.get(f"{PICTURES}/{id}/original").status_code == 200


def test_a_changed_file_is_shown_but_not_kept(own: Path, client: TestClient, id_of: IdOf) -> None:
    id = id_of(client, "0.png")
    content = client.get(f"{PICTURES}/{id}").json()["content"]
    paint(99, 400, 300).save(own / "0.png")
    for kind in ("image?side=400", "thumbnail?side=640"):
        answer = client.get(f"{PICTURES}/{id}/{kind}&v={content}")
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"


def test_forgetting_takes_the_row_and_leaves_the_file(own: Path, client: TestClient, id_of: IdOf) -> None:
    id = id_of(client, "1.png")
    assert client.delete(f"{PICTURES}/{id}").status_code == 204
    assert client.get(f"{PICTURES}/{id}").status_code == 404
    assert client.delete(f"{PICTURES}/{id}").status_code == 404
    assert (own / "1.png").is_file()
    assert client.get("/api/v1/about").json()["library"]["pictures"] == 2


def test_forgetting_while_another_process_writes_is_a_conflict(
    client: TestClient, settings: Settings
) -> None:
    with Library.open(settings.library, write=True):
        answer = client.delete(f"{PICTURES}/1")
    assert answer.status_code == 409
    assert client.delete(f"{PICTURES}/1").status_code == 204


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_library_is_read_and_says_so(settings: Settings) -> None:
    settings.library.chmod(0o500)
    try:
        with (
            Session(Library.open(settings.library), settings, Colours()) as session,
            asking(create_app(settings, session)) as client,
        ):
            assert client.get("/api/v1/about").json()["library"]["read_only"] is True
            assert client.delete(f"{PICTURES}/1").status_code == 403
            assert client.get("/api/v1/search?like=1").status_code == 200
    finally:
        settings.library.chmod(0o700)


def test_a_library_that_cannot_be_written_refuses_with_a_sentence(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, pictures: Path
) -> None:
    """As on a read-only disk, which a test cannot mount."""

    def refuse(folder: Path, *, write: bool = False) -> Library:
        raise LibraryReadOnly(f"{folder} cannot be written: choose another")

    monkeypatch.setattr(Library, "open", refuse)
    asked = {"kind": "index", "folders": [str(pictures)]}
    for answer in (client.delete(f"{PICTURES}/1"), client.post("/api/v1/jobs", json=asked)):
        assert answer.status_code == 403
        assert "cannot be written" in answer.json()["detail"]
    assert client.get("/api/v1/search?like=1").status_code == 200


def test_many_may_ask_at_once(reader: TestClient, id_of: IdOf) -> None:
    id = id_of(reader, "large.jpg")
    statuses: list[int] = []

    def ask(side: int) -> None:
        statuses.append(reader.get(f"{PICTURES}/{id}/image?side={side}").status_code)

    threads = [threading.Thread(target=ask, args=(100 + side,)) for side in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 16
