"""`venctl aws`: what an AWS account needs for a site."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys

from statemachine import Spec, SpecError, read

from ..base.private_files import read_text
from ..devices.catalog import devices_beside
from . import DONE, USAGE

REGION = re.compile(r"\.iot\.([a-z0-9-]+)\.amazonaws\.com")


def aws(args: argparse.Namespace) -> int:
    """Print the policy documents to attach to the certificates of a site's devices."""
    from ..base.policy import documents

    try:
        spec = read(read_text(args.file), str(args.file), devices_beside(args.file))
    except SpecError as error:
        print("\n".join(fault.pretty() for fault in error.faults), file=sys.stderr)
        return USAGE
    region = args.region or _region(spec) or "REGION"
    policies = documents(spec, region, args.account or "ACCOUNT")
    if args.json:
        print(json.dumps(policies))
        return DONE
    print("\n\n".join(json.dumps(document, indent=2) for document in policies))
    for name, missing in (("--region", region == "REGION"), ("--account", not args.account)):
        if missing:
            print(
                f"venctl: replace {name[2:].upper()} in the output, or pass {name}", file=sys.stderr
            )
    if len(policies) > 1:
        print(
            f"venctl: printed {len(policies)} documents; attach each as a separate policy",
            file=sys.stderr,
        )
    return DONE


def _region(spec: Spec) -> str | None:
    named = REGION.search(spec.cloud.endpoint or "")
    default = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    return named[1] if named else default
