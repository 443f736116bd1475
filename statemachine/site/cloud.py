"""The MQTT broker of a site, as `cloud:` of a ven.yaml declares it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .fields import Count, Flag, Model, OneOf


class Cloud(Model):
    """The MQTT broker: the stand-in on this machine, AWS IoT Core, or any MQTT 5 broker.

    A broker of kind `mqtt` has no shadow; with `shadow: serve` this program provides it.
    `password` is the password itself or `env:NAME`.
    """

    kind: Annotated[str, OneOf("kind", "local", "aws", "mqtt")] = Field(
        default="local",
        description="local: a stand-in on this machine; aws: AWS IoT Core; mqtt: any MQTT 5 broker",
    )
    endpoint: str | None = Field(
        default=None, description="with aws: host name, like xxx-ats.iot.REGION.amazonaws.com"
    )
    host: str | None = Field(
        default=None, description="with mqtt: host name or address of the broker"
    )
    port: Count | None = Field(
        default=None, description="port of the broker; default: 8883 with TLS, else 1883"
    )
    cert: str | None = Field(
        default=None, description="file with the client certificate, relative to ven.yaml"
    )
    key: str | None = Field(
        default=None, description="file with the private key of `cert`, readable by its owner only"
    )
    ca: str | None = Field(
        default=None, description="file with the CA to trust; default: those of this machine"
    )
    username: str | None = Field(default=None, description="with mqtt: user name")
    password: str | None = Field(
        default=None,
        repr=False,
        description="with mqtt: the password, or env:NAME to read a variable",
    )
    password_file: str | None = Field(
        default=None, description="with mqtt: file with the password, readable by its owner only"
    )
    shadow: Annotated[str, OneOf("shadow", "off", "serve")] | None = Field(
        default=None, description="with mqtt: serve: this program provides the shadow; default: off"
    )
    policy: str | None = Field(
        default=None, description="with local: file with an AWS IoT policy to enforce, as JSON"
    )
    tls: Flag | None = Field(
        default=None, description="with local: use TLS with client certificates that it creates"
    )

    @property
    def has_shadow(self) -> bool:
        """Whether the broker, or this program, provides the site's shadow."""
        return self.kind != "mqtt" or self.shadow == "serve"
