"""List prices of AWS in us-east-1, in dollars, without free tiers; read on 2026-11-20.

Sources: aws.amazon.com/{dynamodb,lambda,api-gateway,sqs,kms,cloudwatch,cloudfront}/pricing. Of the regions in China
the pages show no complete list, so there is no second column.
"""

MILLION = 1e6
GB = 1e9

WRITE_UNIT = 0.625 / MILLION  # DynamoDB on demand, since November 2024
READ_UNIT = 0.125 / MILLION
STORED = 0.25 / GB  # a month
RECOVERABLE = 0.20 / GB  # point-in-time recovery, a month
ROW_OVERHEAD = (
    100  # bytes that are billed for each row besides its own: developer guide, "Item sizes and formats"
)
LAMBDA_CALL = 0.20 / MILLION
LAMBDA_GB_SECOND = (
    0.0000166667  # x86, which .chalice/config.json leaves in force; INIT is billed since August 2025
)
REST_CALL = 3.50 / MILLION  # API Gateway, the first 333 million calls a month
HTTP_CALL = 1.00 / MILLION  # the same, HTTP APIs, the first 300 million
EDGE_REQUEST = 1.00 / MILLION  # CloudFront, HTTPS, North America and Europe
EDGE_FUNCTION = 0.10 / MILLION  # CloudFront Functions, a call for each request
QUEUE_REQUEST = 0.40 / MILLION  # SQS standard queues, up to 64 KB
KEY_REQUEST = 0.03 / 10_000  # KMS, symmetric
POLLER_HOUR = (
    0.00925  # an event poller unit of SQS kept ready, an hour; taken for one poller, which no page says
)
LOGGED = 0.50 / GB  # CloudWatch, ingestion
REQUEST = {
    "sqs": QUEUE_REQUEST,
    "kms": KEY_REQUEST,
    "sts": 0.0,
    "ssm": 0.0,
    "dynamodb": 0.0,
}  # that is paid by units

# What is not a price and not counted.
INSTRUCTIONS_PER_SECOND = (
    3e9  # of one vCPU: CPython retires some 1.2 a cycle, at 2.5 GHz; a model, not a measurement
)
VCPU_MEMORY = 1769  # MB of memory that come with one vCPU: Lambda developer guide, "Configure memory"
ANSWER_SECONDS = 0.005  # a call to a service of the same region, see model.py
COLD = 0.01  # share of calls that begin with a cold start: AWS says "typically under 1 %" of its production traffic
DAY = 16 * 3600  # seconds of a day in which people shop, evenly; at night nobody
GOODS = 50  # pages of goods that a site's shoppers look at, evenly
AT_COUNTER = 0.5  # share of looks that are at the counter itself
