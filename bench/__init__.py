"""Benchmarks: `python -m bench NAME`. Each module here has `run(options)`, which returns rows for `rows.py`.

A figure stands beside a peer or a floor that was measured in the same run, since machines differ and drift:
the ratio is what counts. The names are listed in `__main__.py`.
"""
