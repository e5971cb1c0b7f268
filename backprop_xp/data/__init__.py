"""Data: what the user hands in becomes rows, checked, and batches of them."""
