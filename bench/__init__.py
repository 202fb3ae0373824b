"""Measures the hot paths, each as a ratio to a limit measured in the same run."""
