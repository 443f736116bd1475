"""`python -m venctl.local`: the stand-in alone."""

from __future__ import annotations

import argparse
import json
import threading
from pathlib import Path

from . import LocalCloud

parser = argparse.ArgumentParser(description="A stand-in for AWS IoT on this machine.")
parser.add_argument("--mqtt-port", type=int, default=1883)
parser.add_argument("--data-port", type=int, default=8090)
parser.add_argument("--folder", type=Path, default=Path())
args = parser.parse_args()
cloud = LocalCloud.start(mqtt_port=args.mqtt_port, data_port=args.data_port, folder=args.folder)
print(json.dumps({"mqtt": cloud.mqtt_port, "data": cloud.data_port}), flush=True)
threading.Event().wait()
