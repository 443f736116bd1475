"""Over which link a device is reached: one of `links:`, or one that it has for itself."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError

from ...device.address import address
from ...device.declaration import HOST, OWN_HOST, LinkDeclaration
from ...device.form import Template
from ...kit.errors import suggestion
from ...site.links import LINKS, SPEAKS, DeclaredLink
from ...site.source import Path, Value
from .findings import Findings
from .parameters import ON

# Where this program listens if no link says it.
DEFAULT = {"ocpp": "127.0.0.1:8887", "bacnet": "0.0.0.0/0:47808"}
_EXAMPLE = {
    "mqtt": "house: {mqtt: 192.168.1.5}",
    "modbus": "cellar: {modbus: 192.168.1.20}",
    "http": "house: {http: 192.168.1.5}",
}


class LinkChoice:
    """The links of a file, and the way to a device over them."""

    def __init__(self, links: Value, findings: Findings) -> None:
        self._findings = findings
        self._links = dict[str, LinkDeclaration | None]()
        for name, entry in links.items() if isinstance(links, dict) else ():
            self._links[name] = self._declared(name, entry)

    def link(
        self, path: Path, value: Mapping[str, Value], template: Template, params: Mapping[str, str]
    ) -> LinkDeclaration | None:
        """The link of the device at `path`; None: there is none, which is said or was said."""
        own = bool(params.get(HOST)) or HOST in value
        if own and ON in value:
            problem = f"{template.device} has an address of its own, and `{ON}` as well"
            self._findings.of((*path, ON), "wrong-link", problem, "keep the one that leads to it")
            return None
        if HOST in value and template.speaks not in OWN_HOST:
            problem = f"{template.device} is reached over {template.speaks}, not at a host"
            hint = f"remove it, and write `{ON}: LINK`"
            self._findings.of((*path, HOST), "wrong-link", problem, hint)
            return None
        if own:
            at = HOST if HOST in value else template.device
            return self._own((*path, at), template, params.get(HOST) or str(value[HOST]), params)
        if ON in value:
            return self._named((*path, ON), value[ON], template)
        return self._only(path, template)

    def _declared(self, name: str, entry: Value) -> LinkDeclaration | None:
        """A link that is as it should be; the faults of its settings are found by pydantic."""
        try:
            link = DeclaredLink.model_validate(entry)
        except ValidationError:
            return None
        at: Path = ("links", name)
        if len(link.kinds) != 1:
            kinds = " and ".join(link.kinds)
            problem = f"the link {name} {f'is {kinds} at once' if kinds else 'leads nowhere'}"
            hint = f"write one of {', '.join(LINKS)}, and where it leads"
            self._findings.at(at, "wrong-link", problem, hint)
            return None
        for setting in link.unfit:
            problem = f"a link of kind {link.kinds[0]} has no setting `{setting}`"
            self._findings.of((*at, setting), "wrong-link", problem, "remove it")
        try:
            return link.declaration(name)
        except ValueError as error:
            problem, _, hint = str(error).partition("; ")
            self._findings.at((*at, link.kinds[0]), "bad-value", problem, hint)
        return None

    def _own(
        self, at: Path, template: Template, where: str, params: Mapping[str, str]
    ) -> LinkDeclaration | None:
        try:
            to = address(template.speaks, where)
        except ValueError as error:
            problem, _, hint = str(error).partition("; ")
            self._findings.at(at, "bad-value", problem, hint)
            return None
        return LinkDeclaration(template.speaks, to, _proof(template, params))

    def _named(self, at: Path, name: Value, template: Template) -> LinkDeclaration | None:
        if not isinstance(name, str) or name not in self._links:
            known = isinstance(name, str)
            problem = f"no link is called {name!r}" if known else "the name of a link is expected"
            declare = f"declare it, as in links: {{{_example(template)}}}"
            hint = suggestion(str(name), self._links) or declare
            self._findings.at(at, "unknown-link", problem, hint)
            return None
        link = self._links[name]
        if link is None or link.speaks == template.speaks:
            return link
        problem = f"{template.device} speaks {template.speaks}, and the link {name} {link.speaks}"
        fit = " or ".join(self._fit(template)) or f"{{{_example(template)}}}"
        self._findings.at(at, "wrong-link", problem, f"use {fit}")
        return None

    def _only(self, path: Path, template: Template) -> LinkDeclaration | None:
        fit, kind = self._fit(template), template.speaks
        if len(fit) == 1:
            return self._links[fit[0]]
        if not fit and kind in DEFAULT:
            return LinkDeclaration(kind, DEFAULT[kind])
        if not fit and None in self._links.values():
            return None  # which may have been the one
        if fit:
            problem = f"{template.device} can be reached over {' or '.join(fit)}"
            hint = f"write `{ON}: {fit[0]}`"
        else:
            problem = f"{template.device} speaks {kind}, and no link does"
            hint = f"declare one, as in links: {{{_example(template)}}}"
            hint += f", or write `{HOST}: 192.168.1.20`" if kind in OWN_HOST else ""
        self._findings.at(path, "wrong-link", problem, hint)
        return None

    def _fit(self, template: Template) -> list[str]:
        speaks = template.speaks
        return [name for name, link in self._links.items() if link and link.speaks == speaks]


def _example(template: Template) -> str:
    kinds = [kind for kind in LINKS if SPEAKS[kind] == template.speaks]
    if template.device in kinds:
        return f"house: {{{template.device}: 192.168.1.5}}"
    return _EXAMPLE.get(template.speaks, f"house: {{{kinds[0]}: {DEFAULT.get(kinds[0], '')}}}")


def _proof(template: Template, params: Mapping[str, str]) -> dict[str, str]:
    """The user, secret and way of proof of a device that is reached at its own host."""
    known = {name: params[name] for name in ("username", "password", "token") if params.get(name)}
    if not {"password", "token"} & known.keys():
        return {}
    if template.user and "username" not in known:
        known["username"] = template.user
    return known | {"auth": template.auth or ("bearer" if "token" in known else "basic")}
