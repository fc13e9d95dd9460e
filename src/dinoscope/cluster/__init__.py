"""A library in shards: the same folders as on one machine, filled and searched by many through Ray."""
