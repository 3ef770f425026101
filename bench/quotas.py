"""What AWS allows one account in one region, each with its source; what nobody publishes says so.

`raised` is what the fleet asks for where the default is too little (docs/deploy.md names the requests).
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Quota:
    """A limit: its default, what is asked for instead, and who says so."""

    what: str
    default: float
    source: str
    raised: float = 0

    @property
    def value(self) -> float:
        """What counts in the model."""
        return self.raised or self.default


STACKS = Quota("stacks", 2000, "CloudFormation user guide, quotas: adjustable (code L-0485CB21)", raised=8000)
TABLES = Quota(
    "tables",
    2500,
    "DynamoDB developer guide, quotas: adjustable (L-F98FE922), never above 10,000",
    raised=8000,
)
TABLES_CREATING = Quota(
    "tables with an index being created at once", 250, "DynamoDB API reference, LimitExceededException"
)
CREATE_STACK = Quota(
    "CreateStack a second",
    5,
    "not published; five within one second were taken (Sceptre's issue 910, AWS support on its CloudTrail)",
)
DESCRIBE_STACKS = Quota(
    "DescribeStacks a second",
    5,
    'not published; "caps describe-stacks to 5 calls per second and this cannot be increased" '
    "(aws-sam-cli's issue 2671)",
)
KEY_REQUESTS = Quota("requests to KMS a second", 5500, "KMS developer guide, the smallest of its regions")
PARAMETERS = Quota(
    "GetParameter and GetParameters a second",
    40,
    "AWS General Reference, Systems Manager quotas: 40; higher throughput is 10,000, in older pages 3,000",
    raised=3000,
)
PARAMETERS_KEPT = Quota(
    "standard parameters",
    10_000,
    'Systems Manager user guide, "Changing Parameter Store throughput"; advanced: 100,000',
)
ASSUMED = Quota(
    "calls of STS a second",
    600,
    "IAM user guide, IAM and STS quotas: an account and region; counts where the caller is",
)
MESSAGES_IN_FLIGHT = Quota(
    "messages in flight of a queue", 120_000, "SQS developer guide, quotas of standard queues"
)
CONCURRENCY = Quota("functions at once", 1000, "Lambda developer guide, quotas: adjustable (L-B99A9384)")

# SQS in front of a function: Lambda developer guide, "Configuring scaling behavior for SQS event source mappings".
POLLERS_AT_FIRST = 5  # batches in work at once
POLLERS_ADDED = 5  # a second: 300 a minute
POLLER_BATCHES = 10  # of a poller that is provisioned
PROVISIONED_ADDED = 16  # a second: 1,000 a minute

# SQS developer guide, "How Amazon SQS fair queues work": who is noisy. Both are said to be approximate.
NOISY_SHARE = 0.10  # of the messages in flight
NOISY_LEAST = 30

# Seconds that nobody publishes or has measured here. A table is active 10 to 30 seconds after it was asked for; the
# stack around it adds what it needs to begin, and to switch on recovery and time to live.
STACK_BEGINS = (2, 10)
TABLE_CREATING = (10, 30)
STACK_ENDS = (10, 30)
ANSWER = (0.1, 0.4)  # of CloudFormation
POLL = (0.01, 0.1)  # from sending a message until a poller that is free has it
