"""What goes wrong on a link, in words for people."""

from __future__ import annotations

import errno
import socket
import ssl

MOST_WORDS = 200


class LinkFault(Exception):
    """Why a request failed; the text is for people, with the device's own words where it has any.

    `lasting`: the same request would fail again, so it is not repeated within a minute.
    `everywhere`: so would every other request on this link.
    `up`: what it says about the link: True, the other end answered; False, it did not; None,
    nothing was sent. `away`: there is no connection, so queries that wait need not try.
    """

    def __init__(
        self,
        said: str,
        *,
        lasting: bool = False,
        everywhere: bool = False,
        up: bool | None = None,
        away: bool = False,
    ) -> None:
        super().__init__(said)
        self.lasting, self.everywhere = lasting, everywhere
        self.away, self.up = away, False if away else up

    def again(self) -> LinkFault:
        """The same for somebody else: two tasks do not raise one exception."""
        fault = LinkFault(str(self), lasting=self.lasting, everywhere=self.everywhere)
        fault.away, fault.up = self.away, self.up
        return fault


def device_words(text: str) -> str:
    """A device's own words on one line, bounded, without control characters."""
    shown = "".join(letter if letter.isprintable() else " " for letter in text[: 4 * MOST_WORDS])
    words = " ".join(shown.split())
    return words if len(words) <= MOST_WORDS else words[: MOST_WORDS - 3] + "..."


def connect_words(error: BaseException) -> str:
    """Why there is no connection: `refuses the connection`, to stand after the name of a host."""
    cause: BaseException | None = error
    while cause is not None:
        if words := _words(cause):
            return words
        causes = (getattr(cause, name, None) for name in ("certificate_error", "os_error"))
        cause = next(filter(None, causes), cause.__cause__)
    return f"cannot be reached: {device_words(str(error)) or type(error).__name__}"


def _words(error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        said = getattr(error, "verify_message", "")  # aiohttp's own wraps one that has it
        return f"has a certificate that is not trusted: {said}" if said else ""
    if isinstance(error, ssl.SSLError):
        return "does not speak TLS as it should"
    if isinstance(error, socket.gaierror):
        return "is a name that nobody here knows"
    if isinstance(error, ConnectionRefusedError):
        return "refuses the connection"
    if isinstance(error, ConnectionResetError | BrokenPipeError):
        return "closed the connection"
    unreachable = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN)
    if isinstance(error, OSError) and error.errno in unreachable:
        return "cannot be reached from this network"
    return "does not answer" if isinstance(error, TimeoutError) else ""
