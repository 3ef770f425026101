"""Constants of the models, each with its source. Nothing that follows from them is a measurement of AWS."""

# One partition serves so many units a second, whatever the table has: DynamoDB developer guide, "Burst and adaptive
# capacity" and "Best practices for designing partition keys". It is modelled as a bucket that holds one second's worth.
PARTITION_WRITES = 1000
PARTITION_READS = 3000

# Seconds from a function to DynamoDB and back, in the same region: "single-digit millisecond" (service page);
# AWS's published averages lie around 4 to 6 ms for writes and 2 to 5 ms for reads.
WRITE_SECONDS = (0.004, 0.006)
READ_SECONDS = (0.002, 0.005)

# botocore's standard retries, as chalicelib/kit/aws.py asks for them: three tries, a wait drawn from
# 0 … min(2^i, 20) seconds before try i + 1 (botocore/retries/standard.py).
TRIES = 3
LONGEST_WAIT = 20
