"""Rows in, rows out: the only package that knows SQL."""
