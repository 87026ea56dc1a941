"""Benchmarks, one file a question: `python -m benchmarks.NAME`. Each prints a table and writes JSON."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()
