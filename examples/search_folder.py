"""Index a folder into a library of its own and print what in it is most like a picture.

python examples/search_folder.py FOLDER PICTURE [LIBRARY]
"""

from __future__ import annotations

import sys
from pathlib import Path

import dinoscope


def main(folder: Path, picture: Path, library: Path) -> None:
    with dinoscope.open(library, write=True) as session:
        for progress in session.index(folder):
            if progress.refusal:
                print(f"skipped: {progress.refusal.sentence}")
        print(f"{progress.added} new, {progress.known} known")
        answer = session.search(picture, k=5)
    print(answer.verdict.sentence)
    for hit in answer.hits:
        print(f"{hit.score:6.3f} {hit.percentile:6.1f} %  {hit.picture.path}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3] if sys.argv[3:] else "library"))
