"""One self-contained page: the data, the scripts and the style, and a policy that lets nothing else in."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from functools import cache
from html import escape
from importlib import resources
from typing import Any

_UNSAFE = "[<>&\u2028\u2029\ud800-\udfff]"  # the last are halves of characters, which no file can hold


def page(data: dict[str, Any]) -> str:
    """Return the page that plays this data.

    The data stand in a script element of type ``application/json``, with ``<``, ``>`` and ``&`` escaped, and the
    scripts write them to the page only as text. A content-security policy allows the page's own script and style,
    by their hashes, and no request of any kind.

    >>> "<b>" in page({"title": "<b>"})
    False
    """
    script, style = _read("player.min.js"), _read("player.css").replace("\n", "")
    parts = {
        "TITLE": escape(str(data["title"])),
        "POLICY": f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; base-uri 'none'; "
        "form-action 'none'",
        "STYLE": style,
        "DATA": json_text(data),
        "SCRIPT": script,
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], _read("page.html"))


def json_text(data: Any) -> str:
    r"""Return data as JSON that no HTML parser can take for anything else.

    >>> print(json_text("</script>"))
    "\u003c/script\u003e"
    """
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return re.sub(_UNSAFE, lambda match: f"\\u{ord(match[0]):04x}", text)


def framed(html: str, height: int) -> str:
    """Return a page as a sandboxed frame for a notebook: its script runs, and can reach nothing outside."""
    return (
        f'<iframe srcdoc="{escape(html, quote=True)}" sandbox="allow-scripts" title="Backward pass, step by step" '
        f'style="width: 100%; height: {height}px; border: 1px solid #8b97a5; border-radius: 6px"></iframe>'
    )


@cache
def _read(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
