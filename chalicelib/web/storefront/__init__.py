"""The shop as a shopper sees it: counter, checkout, pay page, receipt."""
