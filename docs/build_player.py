"""Write the player's script, as the page carries it, from its sources: shorter names, no comments.

Run: make player (needs npm, for the package terser)
"""

import hashlib
import subprocess
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "minigrad" / "viz" / "browser"
SOURCES = ("data.js", "figures.js", "picture.js", "panel.js", "controls.js")  # in this order, in one scope


def source() -> str:
    """Return the sources as one script."""
    body = "\n".join((FOLDER / name).read_text(encoding="utf-8") for name in SOURCES)
    return f'(() => {{\n"use strict";\n{body}}})();\n'


def fingerprint() -> str:
    """Return what the built script begins with: it tells which sources it was built from."""
    return f"/* {hashlib.sha256(source().encode()).hexdigest()[:16]} */"


def main() -> None:
    """Build the script and say how large it is."""
    command = ["npx", "--yes", "terser@5", "--compress", "passes=3,unsafe_arrows", "--mangle", "--ecma", "2022"]
    built = subprocess.run(command, input=source(), capture_output=True, text=True, check=True).stdout
    target = FOLDER / "player.min.js"
    target.write_text(f"{fingerprint()}\n{built.strip()}\n", encoding="utf-8")
    print(f"{target.name}: {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
