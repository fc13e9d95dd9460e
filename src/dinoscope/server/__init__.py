"""The HTTP edge: the only part that knows requests and responses. ``run.serve`` is its door."""
