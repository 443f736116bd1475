"""Exchanges the token for a cookie, and limits guessing."""

from __future__ import annotations

import hmac
import math
import secrets
import time
from collections import deque

from aiohttp.web import Request, Response

from .bodies import read_object
from .problems import Problem, invalid

SESSION_PATH = "/api/v1/session"
COOKIE, SECURE_COOKIE = "ven_session", "__Host-ven_session"
LIFE_S = 43_200
MOST = 64
WINDOW_S, PER_ADDRESS, IN_ALL = 60, 5, 30


class Sessions:
    """The sessions that are signed in. They end with the program; the token signs in again.

    With an empty token, nobody can sign in.
    """

    def __init__(self, token: str) -> None:
        self._token = token
        self._ends_s: dict[str, float] = {}
        self._failures: deque[tuple[float, str]] = deque(maxlen=IN_ALL)

    def admits(self, request: Request) -> bool:
        """Whether this request has a session or the token. Raises a 429 problem."""
        for name in (SECURE_COOKIE, COOKIE):
            if time.monotonic() < self._ends_s.get(request.cookies.get(name, ""), -math.inf):
                return True
        scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
        return scheme.lower() == "bearer" and self._is_token(request, credentials.strip())

    async def sign_in(self, request: Request) -> Response:
        """Exchange the token for a cookie. Raises a 401 problem, or 429 after 5 failures."""
        token = (await read_object(request, ("token",))).get("token")
        if not isinstance(token, str):
            raise invalid("token must be text", "token")
        response = Response(status=204)
        if not self._is_token(request, token):
            raise Problem(401, "wrong-token", "This is not the controller's token")
        secure = request.secure or request.headers.get("X-Forwarded-Proto") == "https"
        response.set_cookie(
            SECURE_COOKIE if secure else COOKIE,
            self._begin(),
            path="/",
            httponly=True,
            samesite="Strict",
            max_age=LIFE_S,
            secure=secure or None,
        )
        return response

    async def sign_out(self, request: Request) -> Response:
        """End the session of this request."""
        response = Response(status=204)
        for name in (SECURE_COOKIE, COOKIE):
            if request.cookies.get(name):
                self._ends_s.pop(request.cookies[name], None)
                response.del_cookie(name, path="/", secure=name == SECURE_COOKIE or None)
        return response

    def _begin(self) -> str:
        while len(self._ends_s) >= MOST:
            del self._ends_s[next(iter(self._ends_s))]
        session = secrets.token_urlsafe(32)
        self._ends_s[session] = time.monotonic() + LIFE_S
        return session

    def _is_token(self, request: Request, token: str) -> bool:
        """Whether this is the token; a wrong one is counted and may raise a 429 problem.

        The right one never waits, even while others guess: a token of at least 128 bits cannot be
        guessed in any number of tries. A password could be, and would have to wait.
        """
        sent, held = token.encode("utf-8", "surrogatepass"), self._token.encode()
        if held and hmac.compare_digest(sent, held):
            return True
        wait_s = self._count(request.remote or "", time.monotonic())
        if wait_s is not None:
            headers = {"Retry-After": str(max(1, math.ceil(wait_s)))}
            raise Problem(
                429, "too-many-tries", "Too many wrong tokens; try again later", headers=headers
            )
        return False

    def _count(self, address: str, now_s: float) -> float | None:
        """Count a failure; if there were too many before it, the seconds to wait from now."""
        recent = [(at_s, who) for at_s, who in self._failures if at_s > now_s - WINDOW_S]
        failures = [at_s for at_s, _ in recent]
        own = [at_s for at_s, who in recent if who == address]
        self._failures.append((now_s, address))
        limits = (own, PER_ADDRESS), (failures, IN_ALL)
        full = [[*past, now_s][-most] for past, most in limits if len(past) >= most]
        return max(full) + WINDOW_S - now_s if full else None
