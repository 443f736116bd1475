"""The local web page and API: shows and controls one site through a `ControllerPort`."""
