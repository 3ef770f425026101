"""What happens to the money of an order: journal, windows, refunds, statements."""
