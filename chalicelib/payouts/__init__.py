"""Money leaves for those it belongs to: payees, withdrawals, deposits, statements."""
