"""Dinoscope: a private visual search engine that sees the way DINO sees."""

__version__ = "0.1.0"
