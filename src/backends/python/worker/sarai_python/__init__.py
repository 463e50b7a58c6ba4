"""The process in which a Python model lives: Sarai's side of it. See ../../README.md."""
