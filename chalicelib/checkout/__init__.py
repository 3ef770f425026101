"""From "buy" to "paid": quote, hold, order, pay link; payments accepted; orders driven on or expired."""
