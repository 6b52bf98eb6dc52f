"""Appearance descriptors for re-identification, learnt without labels."""
