"""The API browser's page: what a person's browser gets in place of a bare document (01-api-wire section 8).

In: an answer's document. Out: the same as JSON, or a page that embeds it. The page loads the front end (`ui/`, built
into `trailboss/web/`); where that is not built, and in browsers without JavaScript, it shows the document as text with
links. Everything that is shown is escaped, and a content security policy lets nothing run but the built files.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import html
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import msgspec
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from trailboss.api.request import base_url, is_browser, target_of
from trailboss.errors import ApiError

JSON = "application/json; charset=utf-8"
WEB = Path(__file__).parents[1] / "web"
"""Where `scripts/build_ui.py` puts the front end."""
ENTRY = "src/browser/main.ts"

_STYLE = """
:root { color-scheme: light dark; }
.plain { max-width: 80rem; margin: 0 auto; padding: 1rem; font: 15px/1.5 system-ui, sans-serif; }
.plain pre { overflow-x: auto; font: 13px/1.6 ui-monospace, monospace; }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Content-Security-Policy": "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            f"style-src 'self' 'sha256-{_STYLE_HASH}'",
            "connect-src 'self'",
            "img-src 'self' data:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    # What the same URL gives to programs must not be shown in its place, nor the other way round.
    "Cache-Control": "no-store",
    "Vary": "Accept, User-Agent",
}
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>{style}</style>
{head}
</head>
<body data-base="{base}" data-keys="{keys}">
<script id="document" type="application/json">{data}</script>
<div id="app"></div>
{plain}
</body>
</html>
"""
_PLAIN = """<main class="plain">
<h1>{title}</h1>
<p>{note} <a href="{as_json}">The document as JSON</a></p>
<pre>{text}</pre>
</main>"""
_NOT_BUILT = "The interface is not built on this server; <code>scripts/build_ui.py</code> builds it."
_NO_SCRIPTS = "Forms and controls need JavaScript."


async def answer(request: Request, document: bytes, status: int, headers: Mapping[str, str]) -> Response:
    """Return a document (JSON) as an answer: as it is, or as a page where a person asks."""
    if not is_wanted(request):
        return Response(document, status, headers, JSON)
    content = await asyncio.to_thread(page, request, document)
    return Response(content, status, {**headers, **_HEADERS}, "text/html; charset=utf-8")


def is_wanted(request: Request) -> bool:
    """Say whether the one who asks wants a page."""
    asked = request.query_params.get("_format", "").lower()
    if asked in ("html", "json"):
        return asked == "html"
    return is_browser(request) and "*/*" in request.headers.get("accept", "*/*")


def page(request: Request, document: bytes) -> str:
    """Return the page of a document."""
    title = html.escape(f"{request.scope['path'].strip('/') or '/'} - Trailboss API")
    head = _front_end()
    query = request.scope["query_string"].decode("latin-1")
    as_json = html.escape(f"?{query}&_format=json" if query else "?_format=json")
    note = _NO_SCRIPTS if head else _NOT_BUILT
    plain = _PLAIN.format(title=title, note=note, as_json=as_json, text=_linked(request, document))
    return _PAGE.format(
        title=title,
        style=_STYLE,
        head=head,
        base=html.escape(_scope(request)),
        keys="yes" if "authorization" in request.headers else "no",
        # in JSON, < can only be inside of a text: so the element cannot be ended, nor a comment be begun
        data=document.decode().replace("<", "\\u003c"),
        plain=f"<noscript>{plain}</noscript>" if head else plain,
    )


def _front_end() -> str:
    """Return the elements that load the front end; none where it is not built."""
    try:
        manifest = msgspec.json.decode((WEB / "manifest.json").read_bytes())
    except FileNotFoundError:
        return ""
    entry = manifest[ENTRY]
    styles = [f'<link rel="stylesheet" href="/{html.escape(name)}">' for name in entry.get("css", ())]
    return "\n".join([*styles, f'<script type="module" src="/{html.escape(entry["file"])}"></script>'])


def _scope(request: Request) -> str:
    """Return the path below which the links of a page are: of the API, or of a project."""
    project = target_of(request.scope["path"]).project
    return f"/v1/projects/{quote(project, safe='!')}" if project else "/v1"


def _linked(request: Request, document: bytes) -> str:
    """Return a document as escaped text in which addresses of this API are links; those of actions are none."""
    text = html.escape(msgspec.json.format(document, indent=2).decode())
    try:
        ours = html.escape(base_url(request))
    except ApiError:  # the request names no host, so nothing in its answer does
        return text
    return re.sub(rf"&quot;({re.escape(ours)}/[^\s?]*?(?:\?(?!action=)\S*?)?)&quot;", r'"<a href="\1">\1</a>"', text)


async def asset(request: Request) -> Response:
    """Answer a file of the front end. Raises ApiError 404."""
    path = WEB / "assets" / request.path_params["name"]
    if not path.is_file():
        raise ApiError(404)
    # the names of built files change with what is in them
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
    return FileResponse(path, headers=headers)
