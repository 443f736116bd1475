"""The data plane of the stand-in, as boto3 asks it."""

from __future__ import annotations

import json
import time
from typing import Any

import boto3
from botocore.config import Config

from tests.kit.process.site import Site


def iot_data(url: str, timeout_s: float = 60, **more: Any) -> Any:
    """boto3's client for the data plane, with keys that mean nothing."""
    return boto3.client(
        "iot-data",
        endpoint_url=url,
        region_name="us-west-2",
        aws_access_key_id="any",
        aws_secret_access_key="any",
        config=Config(
            retries={"max_attempts": 1}, read_timeout=timeout_s, connect_timeout=timeout_s
        ),
        **more,
    )


def iot_data_of(site: Site, timeout_s: float = 60) -> Any:
    """The same for the stand-in of a site that runs."""
    return iot_data(f"http://{site.ready['data']}", timeout_s)


def shadow(site: Site) -> dict[str, Any]:
    """The document; asked for slowly, since a thing has 20 requests a second for everybody."""
    time.sleep(0.1)
    answer = iot_data_of(site).get_thing_shadow(thingName="volttron_local")
    document: dict[str, Any] = json.loads(answer["payload"].read())
    return document
