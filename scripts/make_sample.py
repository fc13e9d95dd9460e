"""Make the sample library that ships with Dinoscope from a folder of GCompris' photos.

    python scripts/make_sample.py FOLDER [--out src/dinoscope/sample]

FOLDER holds ``labels.csv`` (file, group, label, activity), ``details.csv`` (crop, source, cx_frac,
cy_frac, title) and the pictures. Only pictures under CC0, public domain, CC-BY or CC-BY-SA enter, as
``sample_credits.txt`` beside this script says; a picture without credits is an error, not a guess.
"""

from __future__ import annotations

import argparse
import csv
import re
import shutil
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image
from PIL.ExifTags import IFD, Base

LONGEST = 1024  # pixels; the web page never shows a sample larger
QUALITY = 82  # WebP; 85 costs a fifth more bytes and shows no difference at this size
FREE = re.compile(r"^(PD|CC0-1\.0|CC-BY(-SA)?-\d\.\d)$")
COMMONS = "https://commons.wikimedia.org/wiki/File:"
LINKS = {
    "CC0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
    "CC-BY-2.0": "https://creativecommons.org/licenses/by/2.0/",
    "CC-BY-3.0": "https://creativecommons.org/licenses/by/3.0/",
    "CC-BY-4.0": "https://creativecommons.org/licenses/by/4.0/",
    "CC-BY-SA-4.0": "https://creativecommons.org/licenses/by-sa/4.0/",
}
# The whole pictures that the detail crops come from join the library under these labels.
SCENES = {
    "Chenonceau": "monuments/chenonceau",
    "EgeskovSlotSpejling": "monuments/egeskov",
    "EilanDonanCastle": "monuments/eilean_donan",
    "FanoeWindmill": "renewable/windmill",
    "GizahPyramids": "monuments/great_pyramid",
    "Louvre_2007_02_24_c": "monuments/le_musee",
    "NDP": "monuments/notre_dame",
    "Nagoya": "monuments/nagoya",
    "Neuschwanstein": "monuments/neuschwanstein",
    "OperaSidney": "monuments/opera_house",
    "TajMahal": "monuments/taj_mahal",
    "TourEiffel": "monuments/eiffel_tower",
    "TowerBridgeLondon": "monuments/tower_bridge",
}
# Labels by name where GCompris' file name says too little.
RELABEL = {
    "chamaeleon": "chameleon",
    "monument1": "dome_of_the_rock",
    "monument2": "tetrapylon",
    "monument3": "kaiser_jubilee_church",
    "cathedral": "santiago_cathedral",
}


@dataclass(frozen=True)
class Credit:
    """Who made a picture, under which licence, and where it was found."""

    licence: str
    author: str
    source: str


@dataclass(frozen=True)
class Entry:
    """One picture: its file below ``pictures/`` or ``details/`` (until named: its group), and its credit."""

    file: str
    origin: Path
    label: str
    credit: Credit


def read_credits(path: Path) -> dict[tuple[str, str], Credit]:
    """(folder, name) -> Credit; raises ValueError for a malformed line or a name given twice."""
    credits: dict[tuple[str, str], Credit] = {}
    folder = ""
    for line in path.read_text("utf-8").splitlines():
        if line.startswith("["):
            folder = line.strip("[]")
        elif line.strip() and not line.startswith("#"):
            name, licence, author, source = line.split(" | ")
            if (folder, name) in credits:
                raise ValueError(f"{path.name} credits {folder}/{name} twice")
            credits[folder, name] = Credit(licence, author, source.replace("commons:", COMMONS))
    return credits


def pictures_of(folder: Path, credits: dict[tuple[str, str], Credit]) -> list[Entry]:
    """The labelled pictures whose licence is free, and the scenes of the crops."""
    entries = []
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            activity, group, origin = row["activity"], row["group"], folder / row["file"]
            name = origin.stem.removeprefix(f"{activity}_")
            place = f"{activity}/{group}" if activity == "categorization" else activity
            entries.append(Entry(group, origin, RELABEL.get(name, row["label"]), credits[place, name]))
    for (place, name), credit in credits.items():
        if place == "details":
            group, label = SCENES.get(name, f"paintings/{name.lower()}").split("/")
            origin = folder / "details" / f"{name}_background.webp"
            entries.append(Entry(group, origin, label, credit))
    return named([entry for entry in entries if FREE.match(entry.credit.licence)])


def named(entries: list[Entry]) -> list[Entry]:
    """Each entry's file becomes ``<group>/<label>.webp``, numbered where a label has several pictures."""
    several = Counter((entry.file, entry.label) for entry in entries)
    seen: Counter[tuple[str, str]] = Counter()
    done = []
    for entry in sorted(entries, key=lambda entry: (entry.file, entry.label, entry.origin.name)):
        key = entry.file, entry.label
        seen[key] += 1
        number = f"-{seen[key]:02d}" if several[key] > 1 else ""
        done.append(replace(entry, file=f"{entry.file}/{entry.label}{number}.webp"))
    return done


def crops_of(
    folder: Path, credits: dict[tuple[str, str], Credit], pictures: list[Entry]
) -> tuple[list[Entry], list[list[str]]]:
    """The detail crops, and the rows of details.csv: crop, source, centre as fractions, title."""
    scenes = {entry.origin: f"pictures/{entry.file}" for entry in pictures}
    entries, rows = [], []
    with (folder / "details.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            scene = Path(row["source"]).stem.removesuffix("_background")
            file = Path(row["crop"]).name
            entries.append(Entry(file, folder / row["crop"], scene, credits["details", scene]))
            source = scenes[folder / row["source"]]
            rows.append([f"details/{file}", source, row["cx_frac"], row["cy_frac"], row["title"]])
    return entries, rows


def shrink(origin: Path, target: Path) -> None:
    """Keep the pixels of a small WebP as they are; resize anything longer than LONGEST."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(origin) as picture:
        exif = plain_exif(picture, place=target.parent.name == "monuments")
        if picture.format == "WEBP" and max(picture.size) <= LONGEST:
            target.write_bytes(replace_exif(origin.read_bytes(), exif))
            return
        picture.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
        picture.save(target, "WEBP", quality=QUALITY, method=6, exif=exif)


def plain_exif(picture: Image.Image, place: bool) -> bytes:
    """Camera, lens and time, and of monuments the place; nobody's address, serial number or home."""
    given, kept = picture.getexif(), Image.Exif()
    for tag in (Base.Make, Base.Model):
        if tag in given:
            kept[tag] = str(given[tag]).strip("\0 ")
    details = given.get_ifd(IFD.Exif)
    wanted = (Base.DateTimeOriginal, Base.LensModel)
    kept.get_ifd(IFD.Exif).update({tag: details[tag] for tag in wanted if tag in details})
    if place:
        kept.get_ifd(IFD.GPSInfo).update(given.get_ifd(IFD.GPSInfo))
    return (
        kept.tobytes() if dict(kept) or any(kept.get_ifd(part) for part in (IFD.Exif, IFD.GPSInfo)) else b""
    )


def replace_exif(webp: bytes, exif: bytes) -> bytes:
    """The same WebP with other EXIF and no XMP, its pixels untouched (a RIFF file of padded chunks)."""
    chunks, position = [], 12
    while position < len(webp):
        length = int.from_bytes(webp[position + 4 : position + 8], "little")
        chunks.append([webp[position : position + 4], webp[position + 8 : position + 8 + length]])
        position += 8 + length + length % 2
    chunks = [chunk for chunk in chunks if chunk[0] not in (b"EXIF", b"XMP ")]
    if chunks[0][0] == b"VP8X":
        flags = chunks[0][1][0] & ~0b1100 | (0b1000 if exif else 0)
        chunks[0][1] = bytes([flags]) + chunks[0][1][1:]
        if exif:
            chunks.append([b"EXIF", exif.removeprefix(b"Exif\0\0")])
    body = b"".join(k + len(v).to_bytes(4, "little") + v + b"\0" * (len(v) % 2) for k, v in chunks)
    return b"RIFF" + (len(body) + 4).to_bytes(4, "little") + b"WEBP" + body


def attribution(pictures: list[Entry], crops: list[Entry]) -> str:
    """ATTRIBUTION.md: a line per picture."""
    lines = [
        "# Sample pictures: authors, licences, sources",
        "",
        "These pictures are not under Dinoscope's licence. Each is under the licence named in its line. They",
        "were collected, cropped and sharpened by the authors of GCompris (https://gcompris.net) and resized",
        f"to at most {LONGEST} pixels for Dinoscope. PD means public domain, as the source declares.",
        "",
        *(f"- {name}: {link}" for name, link in LINKS.items()),
        "",
        "## pictures/",
        "",
        *(f"- `{e.file}`: {e.credit.author}. {e.credit.licence}. {e.credit.source}" for e in pictures),
        "",
        "## details/",
        "",
        "Crops of pictures above (details.csv says which and where), each under the licence of its scene.",
        "",
        *(f"- `{e.file}`: {e.credit.author}. {e.credit.licence}. {e.credit.source}" for e in crops),
        "",
    ]
    return "\n".join(lines)


def write_csv(path: Path, header: list[str], rows: list[list[str]]) -> None:
    """A CSV with Unix line ends, so that it is the same wherever it is made."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])


def main() -> None:
    """Read the arguments and write the sample."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, default=Path("src/dinoscope/sample"))
    arguments = parser.parse_args()
    credits = read_credits(Path(__file__).with_name("sample_credits.txt"))
    pictures = pictures_of(arguments.folder, credits)
    crops, places = crops_of(arguments.folder, credits, pictures)
    for part, entries in (("pictures", pictures), ("details", crops)):
        shutil.rmtree(arguments.out / part, ignore_errors=True)
        for entry in entries:
            shrink(entry.origin, arguments.out / part / entry.file)
    labels = [[entry.file, entry.file.split("/")[0], entry.label] for entry in pictures]
    write_csv(arguments.out / "labels.csv", ["file", "group", "label"], labels)
    write_csv(arguments.out / "details.csv", ["crop", "source", "cx_frac", "cy_frac", "title"], places)
    (arguments.out / "ATTRIBUTION.md").write_text(attribution(pictures, crops), "utf-8")
    total = sum(file.stat().st_size for file in arguments.out.rglob("*.webp"))
    print(f"{len(pictures)} pictures, {len(crops)} crops, {total / 2**20:.1f} MB")


if __name__ == "__main__":
    main()
