"""Distributed: one network trained by several processes over MPI."""
