"""Why infra/pipeline.yaml has the wildcards it has: it may change what the deployment's own stack made."""

_A = "${AWS::Region}:${AWS::AccountId}"
_ARN = "arn:${AWS::Partition}"
_FILES = "Every file of this pipeline's own bucket, of which a run makes new ones."
_NUMBERED = "The last part of a stack's or a mapping's name is an id that AWS draws."
_OURS = "What the deployment's stack makes: CloudFormation ends its names with letters that it draws."
_PREFIXED = "What the deployment names after its prefix; a release may bring another one."

_WHY: dict[str, tuple[tuple[str, str, str], ...]] = {
    "ArtifactsPolicy": (
        ("NobodyWithoutTls", "s3:*", "A refusal: whatever is asked without TLS is denied."),
        ("NobodyWithoutTls", "${Artifacts.Arn}/*", "The same refusal, for every object of the bucket."),
    ),
    "CheckRole": (("", "${Artifacts.Arn}/*", _FILES),),
    "PipelineRole": (("", "${Artifacts.Arn}/*", _FILES),),
    "ProposeRole": (
        ("", "${Artifacts.Arn}/*", _FILES),
        ("", f"{_ARN}:cloudformation:{_A}:stack/${{Stack}}/*", _NUMBERED),
        (
            "",
            f"{_ARN}:s3:::${{StaticBucket}}/static/*",
            "Public files, below a name that each release makes.",
        ),
    ),
    "ApplyRole": (
        ("", "${Artifacts.Arn}/*", _FILES),
        ("", f"{_ARN}:cloudformation:{_A}:stack/${{Stack}}/*", _NUMBERED),
    ),
    "ChangeRole": (
        ("Alarms", f"{_ARN}:cloudwatch:{_A}:alarm:${{Stack}}-*", _OURS),
        ("Alarms", f"{_ARN}:cloudwatch::${{AWS::AccountId}}:dashboard/${{TablePrefix}}-*", _PREFIXED),
        (
            "Apis",
            f"{_ARN}:apigateway:${{AWS::Region}}::/restapis/*",
            "An API's name is an id that AWS draws when it is made.",
        ),
        (
            "Apis",
            f"{_ARN}:apigateway:${{AWS::Region}}::/tags/*",
            "Tags are named after the id of what they belong to.",
        ),
        ("Code", "${Artifacts.Arn}/*", _FILES),
        ("EdgesSecret", f"{_ARN}:secretsmanager:{_A}:secret:${{TablePrefix}}/edge-*", _PREFIXED),
        ("Functions", f"{_ARN}:lambda:{_A}:function:${{Stack}}-*", _OURS),
        ("Libraries", f"{_ARN}:lambda:{_A}:layer:${{TablePrefix}}-*", _PREFIXED),
        ("Logs", f"{_ARN}:logs:{_A}:log-group:/${{TablePrefix}}/*", _PREFIXED),
        ("PoliciesOfRoles", f"{_ARN}:iam::${{AWS::AccountId}}:policy/${{Stack}}-*", _OURS),
        ("Queues", f"{_ARN}:sqs:{_A}:${{TablePrefix}}-*", _PREFIXED),
        ("QueuesToFunctions", f"{_ARN}:lambda:{_A}:event-source-mapping:*", _NUMBERED),
        ("Roles", f"{_ARN}:iam::${{AWS::AccountId}}:role/${{Stack}}-TenantRole-*", _OURS),
        ("Roles", f"{_ARN}:iam::${{AWS::AccountId}}:role/${{TablePrefix}}/functions/*", _PREFIXED),
        ("RolesOfFunctions", f"{_ARN}:iam::${{AWS::AccountId}}:role/${{TablePrefix}}/functions/*", _PREFIXED),
        ("Schedules", f"{_ARN}:events:{_A}:rule/${{Stack}}-*", _OURS),
        (
            "StaticBucket",
            "s3:Get*Configuration",
            "Reads of how one bucket is set, for which S3 has many names.",
        ),
        ("StaticBucket", "s3:GetBucket*", "Reads of how one bucket is set, for which S3 has many names."),
        ("Topic", f"{_ARN}:sns:{_A}:${{Stack}}-*", _OURS),
        (
            "WithoutNames",
            "*",
            "What has no name before it is made, or lists things, has no resource to name.",
        ),
    ),
}
REASONS = {
    (f"pipeline.yaml {role}", sid, value): reason
    for role, known in _WHY.items()
    for sid, value, reason in known
}
