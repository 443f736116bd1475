"""Who sent a request, as far as it is known."""

from __future__ import annotations

import hashlib

from aiohttp.web import Request

from .session import COOKIE, SECURE_COOKIE


def requester_text(request: Request) -> str:
    """Such as `session 3f2a91c0 from 192.168.1.7`; the session is a digest of its secret."""
    secret = request.cookies.get(SECURE_COOKIE) or request.cookies.get(COOKIE)
    if secret:
        how = f"session {hashlib.sha256(secret.encode()).hexdigest()[:8]}"
    else:
        how = "the token" if "Authorization" in request.headers else "nobody signed in"
    return f"{how} from {request.remote or 'nowhere'}"
