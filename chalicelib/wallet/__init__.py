"""What members of a site have paid in and may spend: the balance of each, its history, and how it is spent."""
