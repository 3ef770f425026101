"""Accounts and journals: what happened to the money, written once and never changed."""
