"""A writer to be killed: commits planted pictures, then region tokens, for ever, and says all that is safe.

Run as ``python killed.py FOLDER``; it begins when it reads the first number from its input. Every few
commits it removes, compacts and optimises, too.
"""

from __future__ import annotations

import sys
from pathlib import Path

from dinoscope.library.library import Library

sys.path.insert(0, str(Path(__file__).parents[2]))


def main(folder: Path) -> None:
    from tests.library.conftest import MODEL, content, file, plant, plant_regions

    sys.stdout.write("ready\n")
    sys.stdout.flush()
    number = int(sys.stdin.readline())
    with Library.open(folder, write=True) as library:
        while True:
            batch = range(number, number + 7)
            for one in batch:
                library.put_thumbnail(content(one), b"RIFF\x04\x00\x00\x00WEBP")
            plant(library, [file(one) for one in batch])
            sys.stdout.write("".join(f"+{one}\n" for one in batch))
            sys.stdout.flush()
            plant_regions(library, batch[:5])  # later than their vectors, and not of all
            sys.stdout.write("".join(f"*{one}\n" for one in batch[:5]))
            sys.stdout.flush()
            number = batch[-1] + 1
            if number % 3 == 0:
                gone = library.find(file(batch[3]).path)
                assert gone is not None
                sys.stdout.write(f"?{batch[3]}\n")  # from here on it may be gone
                sys.stdout.flush()
                library.remove(ids=[gone.id])
                library.compact() if number % 2 else library.optimise(engine="ivf_rabitq")
            library.set_calibration(MODEL.key, {"last": float(number)})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
