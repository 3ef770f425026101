"""The whole deployment on one machine: an embedded cloud, and what API Gateway, SQS and schedules do around it.

The functions are the project's own, unchanged. Nothing here may be imported by `chalicelib`.
"""
