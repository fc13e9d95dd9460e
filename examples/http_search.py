"""Ask a running `dinoscope serve` over HTTP, with nothing but the standard library.

python examples/http_search.py PICTURE [http://127.0.0.1:7766]
"""

from __future__ import annotations

import json
import sys
import urllib.request
from pathlib import Path


def main(picture: Path, server: str) -> None:
    request = urllib.request.Request(f"{server}/api/v1/search?k=5", picture.read_bytes(), method="POST")
    request.add_header("Content-Type", "application/octet-stream")
    with urllib.request.urlopen(request) as response:
        answer = json.load(response)
    print(answer["verdict"]["sentence"])
    for hit in answer["hits"]:
        print(f"{hit['score']:6.3f} {hit['percentile']:6.1f} %  {hit['picture']['path']}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] if sys.argv[2:] else "http://127.0.0.1:7766")
