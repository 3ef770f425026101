"""DynamoDB in memory: the operations, expressions, errors and capacity units of the real one."""
