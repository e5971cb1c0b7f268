"""Files: named arrays and one JSON document, written atomically and read without trust.

`write` and `read` are all that the packages above need; `onnx_export` writes models for others.
"""

from backprop_xp.storage.files import read, write

__all__ = ["read", "write"]
