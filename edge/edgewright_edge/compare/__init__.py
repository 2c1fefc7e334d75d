"""Trainings side by side."""
