"""Devices as data: what a template says, how it is filled in, and what an answer means.

Nothing in a template is evaluated. Extraction knows JSON pointers, words, units, scales and
registers; a request knows placeholders. Nothing else.
"""
