"""The same purchase written the tutorial way, to compare with: no part of the shop, and no model of any shop.

An item per code with an index by status, of which the first unsold one is taken; Powertools' idempotency around
checkout and callback; a balance row per account, updated in a transaction for each order.
"""
