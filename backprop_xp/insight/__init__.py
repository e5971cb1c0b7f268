"""Seeing what happens: is the gradient right?"""
