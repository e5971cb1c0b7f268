"""The article: forward, cost, backward and update, in pure array API.

No module here imports NumPy or CuPy, or asks which backend it is on.
"""
