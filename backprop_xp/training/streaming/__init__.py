"""Streaming: data that do not fit into memory, read while they are trained on."""
