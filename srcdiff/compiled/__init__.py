"""Compiled derivatives."""
