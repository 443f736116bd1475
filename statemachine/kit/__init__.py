"""What every other room uses: errors, quantities, local time, strict JSON, frozen copies."""
