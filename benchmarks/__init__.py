"""Ratios against the limit: what the bare engine needs for the same bytes, measured in the same run."""
