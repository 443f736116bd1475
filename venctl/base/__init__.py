"""Shared basics: clocks, threads, files, ports."""
