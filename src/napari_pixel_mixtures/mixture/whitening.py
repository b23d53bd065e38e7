"""Whitening transforms."""
