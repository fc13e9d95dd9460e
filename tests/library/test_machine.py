"""Whatever is done in whatever order, the library says what a dictionary and plain numpy say."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from tests.library.conftest import MODEL, ROOT, content, file, plant, plant_regions, unit, vector

from dinoscope.errors import NoRegions
from dinoscope.library.filters import parse_filter
from dinoscope.library.library import Library

PATHS = st.integers(0, 9)
CONTENTS = st.integers(0, 14)


class Machine(RuleBasedStateMachine):
    """``files`` is the model: path number -> content number."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.library = Library.open(self.folder, write=True)
        self.reader: Library | None = None
        self.files: dict[int, int] = {}
        self.known: set[int] = set()  # contents with a vector
        self.told: set[int] = set()  # contents with region tokens

    def teardown(self) -> None:
        self.library.close()
        if self.reader is not None:
            self.reader.close()
        shutil.rmtree(self.folder)

    @rule(new=st.dictionaries(PATHS, CONTENTS, max_size=5))
    def add_or_change(self, new: dict[int, int]) -> None:
        plant(self.library, [file(one, f"{path}.jpg") for path, one in new.items()])
        self.files |= new
        self.known |= set(new.values())

    @rule(some=st.sets(CONTENTS, min_size=1, max_size=5))
    def tell_parts(self, some: set[int]) -> None:
        wanted = sorted(some & self.known)
        if wanted:
            plant_regions(self.library, wanted)
            self.told |= set(wanted)

    @rule(path=PATHS)
    def remove_one(self, path: int) -> None:
        picture = self.library.find(ROOT / f"{path}.jpg")
        assert (picture is not None) == (path in self.files)
        if picture is not None:
            assert self.library.remove(ids=[picture.id]) == 1
            del self.files[path]

    @rule(bound=CONTENTS)
    def remove_by_filter(self, bound: int) -> None:
        gone = [path for path, one in self.files.items() if one < bound]
        assert self.library.remove(parse_filter(f"bytes<{1000 + bound}")) == len(gone)
        for path in gone:
            del self.files[path]

    @rule(seen=st.sets(PATHS))
    def prune(self, seen: set[int]) -> None:
        kept = {path: one for path, one in self.files.items() if path in seen}
        gone = self.library.prune(ROOT, {ROOT / f"{path}.jpg" for path in seen})
        assert gone == len(self.files) - len(kept)
        self.files = kept

    @rule()
    def compact(self) -> None:
        self.library.compact()
        self.known = set(self.files.values())
        self.told &= self.known

    @rule()
    def build_an_index(self) -> None:
        self.library.optimise(engine="ivf_rabitq")

    @rule()
    def go_back_to_exact_search(self) -> None:
        self.library.optimise(engine="exact")

    @rule()
    def reopen(self) -> None:
        self.library.close()
        self.library = Library.open(self.folder, write=True)

    @rule()
    def open_a_reader(self) -> None:
        if self.reader is None:
            self.reader = Library.open(self.folder)

    @rule(query=CONTENTS, k=st.integers(1, 20), bound=CONTENTS)
    def search(self, query: int, k: int, bound: int) -> None:
        where = parse_filter(f"bytes>={1000 + bound}")
        passing = sorted({one for one in self.files.values() if one >= bound})
        for library in (self.library, self.reader):
            if library is None or MODEL.key not in library.models():
                continue
            (answer,) = library.shelf(MODEL.key).search(vector(query)[None], k, where)
            scores = {content(one): float(vector(one) @ vector(query)) for one in passing}
            expected = sorted(scores.values(), reverse=True)[:k]
            np.testing.assert_allclose([score for _, score in answer], expected, atol=2e-3)
            assert {name for name, _ in answer} <= scores.keys()
            np.testing.assert_allclose(
                [score for _, score in answer], [scores[n] for n, _ in answer], atol=2e-3
            )

    @rule(query=CONTENTS, bound=CONTENTS)
    def search_parts(self, query: int, bound: int) -> None:
        """Each content's best token, as looking at all of them says."""
        where = parse_filter(f"bytes>={1000 + bound}")
        passing = {one for one in self.files.values() if one >= bound} & self.told
        asked = unit(query)[:1]
        expected = {one: float((unit(one) @ asked[0]).max()) for one in passing}
        for library in (self.library, self.reader):
            if library is None or MODEL.key not in library.models():
                continue
            try:
                with library.shelf(MODEL.key).tokens() as view:
                    rows, _, scores = view.nearby(asked, 60, where)
                    names = [int(name, 16) for name in view.contents(rows[0][rows[0] >= 0])]
                    best = {
                        name: float(score)
                        for name, score in reversed(list(zip(names, scores[0], strict=False)))
                    }
            except NoRegions:
                assert not self.told
                continue
            assert best.keys() <= expected.keys()
            for one, score in expected.items():
                assert score <= 1e-3 or abs(best[one] - score) < 1e-4

    @invariant()
    def it_holds_what_the_model_holds(self) -> None:
        listed = {picture.path.name: int(picture.content, 16) for picture in self.library.page().pictures}
        assert listed == {f"{path}.jpg": one for path, one in self.files.items()}
        assert {one for one in range(15) if self.library.has(content(one), MODEL.key)} == self.known
        told = {one for one in range(15) if self.library.has(content(one), MODEL.key, regions=True)}
        assert told == self.told
        for library in (self.library, self.reader):
            if library is not None and MODEL.key in library.models():
                assert library.shelf(MODEL.key).count == len(set(self.files.values()))

    @invariant()
    def it_is_sound(self) -> None:
        assert list(self.library.verify()) == []


TestTheLibrary = Machine.TestCase
TestTheLibrary.settings = settings(
    max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)
