"""The connections that devices share, as `links:` of a ven.yaml declares them."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from ..device.address import address
from ..device.declaration import LinkDeclaration
from ..device.secret import advice, is_reference
from ..kit.quantity import Millis
from .fields import Count, Flag, Model, OneOf

# kind: the settings that such a link can have.
LINKS: dict[str, tuple[str, ...]] = {
    "mqtt": ("username", "password", "ca", "cert", "key", "tls"),
    "modbus": ("pause",),
    "http": ("username", "password", "token", "auth", "ca"),
    "home_assistant": ("token", "ca"),
    "ocpp": ("password", "cert", "key"),
    "bacnet": ("device",),
}
SPEAKS = {kind: kind for kind in LINKS} | {"home_assistant": "http"}


class SecretInFile(ValueError):
    """A secret that is written out where only its place may be said."""


def _secret(name: str) -> BeforeValidator:
    def check(value: object) -> str:
        if not isinstance(value, str) or not is_reference(value):
            problem = f"`{name}` is a secret, and this file is no place for it"
            raise SecretInFile(f"{problem}; {advice(name)}")
        return value

    return BeforeValidator(check)


def _reference(example: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": "^(env|file):.+$", "examples": [example]})


def _where(text: str, *examples: str) -> Any:
    return Field(default=None, description=text, examples=list(examples))


Password = Annotated[str, _secret("password"), _reference("env:MQTT_WORD")]
Token = Annotated[str, _secret("token"), _reference("env:HASS_TOKEN")]


class DeclaredLink(Model):
    """A connection that devices share. It has one of the first six settings: where it leads."""

    mqtt: str | None = _where("an MQTT broker: host, or host:port", "192.168.1.5")
    modbus: str | None = _where(
        "a Modbus TCP device or gateway: host, or host:port", "192.168.1.20:502"
    )
    http: str | None = _where("a device or server that speaks HTTP", "http://192.168.1.40")
    home_assistant: str | None = _where("Home Assistant", "http://192.168.1.7:8123")
    ocpp: str | None = _where("the address at which chargers reach this program", "127.0.0.1:8887")
    bacnet: str | None = _where("this machine's own BACnet/IP address", "192.168.1.9/24:47808")
    username: str | None = Field(default=None, description="with mqtt, http: user name")
    password: Password | None = Field(
        default=None, description="with mqtt, http, ocpp: where the password is"
    )
    token: Token | None = Field(
        default=None, description="with http, home_assistant: where the token is"
    )
    auth: Annotated[str, OneOf("auth", "basic", "digest", "bearer")] | None = Field(
        default=None,
        description="with http: how it is proved; default: bearer with a token, else basic",
    )
    ca: str | None = Field(
        default=None, description="with mqtt, http, home_assistant: file with the CA to trust"
    )
    cert: str | None = Field(default=None, description="with mqtt, ocpp: file with the certificate")
    key: str | None = Field(
        default=None, description="with mqtt, ocpp: file with the private key of `cert`"
    )
    tls: Flag | None = Field(default=None, description="with mqtt: use TLS, on port 8883")
    pause: Millis | None = Field(default=None, description="with modbus: time between two requests")
    device: Count | None = Field(
        default=None, description="with bacnet: this program's own device number"
    )

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that it says it is. One, if it is as it should be."""
        return tuple(kind for kind in LINKS if getattr(self, kind) is not None)

    @property
    def unfit(self) -> list[str]:
        """Its settings that a link of its kind does not have."""
        fit = LINKS[self.kinds[0]]
        known = [name for name in type(self).model_fields if name not in LINKS]
        return [name for name in known if name not in fit and getattr(self, name) is not None]

    def declaration(self, name: str) -> LinkDeclaration:
        """The link called `name`. Raises ValueError if it leads nowhere."""
        kind = self.kinds[0]
        where = address(SPEAKS[kind], getattr(self, kind), bool(self.tls or self.ca or self.cert))
        said = self.model_dump(mode="json", include=set(LINKS[kind]), exclude_none=True)
        settings = {key: _text(value) for key, value in said.items()}
        if SPEAKS[kind] == "http" and (self.token or self.password):
            settings.setdefault("auth", "bearer" if self.token else "basic")
        return LinkDeclaration(SPEAKS[kind], where, settings, name)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
