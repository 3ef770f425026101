"""Sites, their hosts, the people who run them."""
