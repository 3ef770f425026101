"""What every domain stands on: time, money, storage, queues, secrets. No business words."""
