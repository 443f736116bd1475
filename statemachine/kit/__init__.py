"""What every other package uses: errors, quantities, local time, strict JSON, copies."""
