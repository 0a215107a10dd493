"""The version of the component, and so of its plugin."""

__version__ = "0.1.0"
