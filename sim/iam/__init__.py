"""What IAM would decide: the policies of policies/, evaluated for each call."""
