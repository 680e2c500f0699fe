"""Makes reconcilers run; knows no resource by name."""
