"""The wire: commands in, in every spelling; acks, telemetry and status out."""
