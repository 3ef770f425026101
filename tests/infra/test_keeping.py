"""backup.yaml, trial.yaml and budgets.yaml: no table is forgotten, no backup goes unheard, no bill surprises."""

import json
from pathlib import Path

import pytest

from infra.package import template

ROOT = Path(__file__).parents[2]
BACKUP = template.load(ROOT / "infra/backup.yaml")
RESOURCES = BACKUP["Resources"]
BUDGETS = template.load(ROOT / "infra/budgets.yaml")["Resources"]
TABLES = [
    (file, name, resource["Properties"])
    for file in sorted((ROOT / "infra").glob("*.yaml"))
    for name, resource in template.load(file)["Resources"].items()
    if resource["Type"] == "AWS::DynamoDB::Table"
]


def _rules(plan):
    return {rule["RuleName"]: rule for rule in RESOURCES[plan]["Properties"]["BackupPlan"]["BackupPlanRule"]}


@pytest.mark.parametrize(("file", "name", "table"), TABLES, ids=[f"{f.stem}-{n}" for f, n, _ in TABLES])
def test_every_table_carries_the_tag_by_which_backups_find_it(file, name, table):
    (condition,) = RESOURCES["Tables"]["Properties"]["BackupSelection"]["Conditions"]["StringEquals"]
    key = condition["ConditionKey"].removeprefix("aws:ResourceTag/")
    assert {"Key": key, "Value": condition["ConditionValue"]} in table["Tags"]


def test_there_are_two_kinds_of_tables_and_one_selection_for_both():
    assert len(TABLES) == 2
    assert RESOURCES["Tables"]["Properties"]["BackupSelection"]["Resources"] == [
        {"Fn::Sub": "arn:${AWS::Partition}:dynamodb:*:*:table/*"}
    ]


def test_days_weeks_and_months_are_kept_and_copied_to_the_other_region_where_there_is_one():
    daily, monthly = _rules("Plan")["daily"], _rules("MonthlyPlan")["monthly"]
    assert BACKUP["Parameters"]["DaysKept"]["Default"] == 35
    for rule, kept in ((daily, "DaysKept"), (monthly, "MonthsKept")):
        assert rule["Lifecycle"] == {"DeleteAfterDays": {"Ref": kept}}
        (copy,) = rule["CopyActions"]
        condition, there, nowhere = copy["Fn::If"]
        assert (condition, nowhere) == ("Copies", {"Ref": "AWS::NoValue"})
        assert there["DestinationBackupVaultArn"] == {"Ref": "CopyTo"}
    assert _rules("Plan")["weekly"]["Lifecycle"] == {"DeleteAfterDays": {"Ref": "WeeksKept"}}


def test_the_vault_outlives_its_stack_and_lets_nobody_shorten_what_is_kept():
    vault = RESOURCES["Vault"]
    assert vault["DeletionPolicy"] == vault["UpdateReplacePolicy"] == "Retain"
    lock = vault["Properties"]["LockConfiguration"]
    parameters = BACKUP["Parameters"]
    for kept in ("DaysKept", "WeeksKept", "MonthsKept"):
        assert lock["MinRetentionDays"] <= parameters[kept]["MinValue"]
        assert parameters[kept]["MaxValue"] <= lock["MaxRetentionDays"]


def test_a_backup_that_fails_and_a_day_without_any_are_heard():
    failed, none = RESOURCES["FailedAlarm"]["Properties"], RESOURCES["NoneAlarm"]["Properties"]
    assert (failed["ComparisonOperator"], failed["Threshold"]) == ("GreaterThanThreshold", 0)
    assert (none["ComparisonOperator"], none["Threshold"]) == ("LessThanThreshold", 1)
    assert none["TreatMissingData"] == "breaching"
    heard = {"Fn::If": ["Heard", [{"Ref": "AlarmTopic"}], {"Ref": "AWS::NoValue"}]}
    for name in ("FailedAlarm", "NoneAlarm", "CopyAlarm", "RestoreAlarm"):
        assert RESOURCES[name]["Properties"]["AlarmActions"] == heard


def test_a_copy_and_a_trial_that_fail_are_heard_however_they_are_counted():
    for name, metric in (
        ("CopyAlarm", "NumberOfCopyJobsFailed"),
        ("RestoreAlarm", "NumberOfRestoreJobsFailed"),
    ):
        properties = RESOURCES[name]["Properties"]
        *counted, sum_of_them = properties["Metrics"]
        metrics = [each["MetricStat"]["Metric"] for each in counted]
        assert {each["MetricName"] for each in metrics} == {metric}
        assert [each["Dimensions"][0]["Name"] for each in metrics] == ["BackupVaultName", "ResourceType"]
        assert sum_of_them["Expression"] == "FILL(m0, 0) + FILL(m1, 0)"
        assert (properties["ComparisonOperator"], properties["Threshold"]) == ("GreaterThanThreshold", 0)
    (needed,) = BACKUP["Rules"]["WhoBacksUpIsHeard"]["Assertions"]
    assert needed["Assert"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "AlarmTopic"}, ""]}]}


def test_where_copies_are_kept_there_is_a_vault_and_nothing_that_makes_backups():
    there = {name for name, each in RESOURCES.items() if "Condition" not in each}
    assert there == {"Key", "Vault"}


def test_what_copies_have_sealed_can_be_opened_where_they_are():
    main = template.load(ROOT / "infra/main.yaml")
    assert main["Resources"]["Key"]["Properties"]["MultiRegion"] == {
        "Fn::If": ["MultiRegion", True, {"Ref": "AWS::NoValue"}]
    }
    assert main["Parameters"]["KeyInOtherRegions"]["Default"] == "true"
    replica = RESOURCES["SourceKey"]
    assert (replica["Type"], replica["DeletionPolicy"]) == ("AWS::KMS::ReplicaKey", "Retain")
    assert replica["Properties"]["PrimaryKeyArn"] == {"Ref": "KeyOfSource"}
    copies, named = BACKUP["Conditions"][replica["Condition"]]["Fn::And"]
    assert copies == {"Fn::Equals": [{"Ref": "Kind"}, "copies"]}
    assert named == {"Fn::Not": [{"Fn::Equals": [{"Ref": "KeyOfSource"}, ""]}]}


def test_a_restore_of_the_main_table_is_tried_every_month():
    trial = template.load(ROOT / "infra/trial.yaml")["Resources"]
    selection = trial["TrialOfMain"]["Properties"]
    assert selection["RestoreTestingPlanName"] == {"Ref": "Trial"}
    assert (
        selection["ProtectedResourceArns"] == RESOURCES["Main"]["Properties"]["BackupSelection"]["Resources"]
    )
    assert trial["Trial"]["Properties"]["ScheduleExpression"] == "cron(0 2 2 * ? *)"


def test_half_four_fifths_and_all_of_the_budget_and_a_forecast_beyond_it_are_told():
    told = BUDGETS["Budget"]["Properties"]["NotificationsWithSubscribers"]
    kinds = [(each["Notification"]["NotificationType"], each["Notification"]["Threshold"]) for each in told]
    assert kinds == [("ACTUAL", 50), ("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100)]
    topic = {"SubscriptionType": "SNS", "Address": {"Ref": "Alarms"}}
    assert all(each["Subscribers"] == [topic] for each in told)


def test_only_the_billing_services_of_this_account_may_tell():
    (statement,) = BUDGETS["AlarmsPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": ["budgets.amazonaws.com", "costalerts.amazonaws.com"]}
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_unusual_costs_are_looked_for_where_that_is_offered():
    assert {BUDGETS[name]["Condition"] for name in ("Anomalies", "AnomaliesTold")} == {"FindsAnomalies"}
    threshold = BUDGETS["AnomaliesTold"]["Properties"]["ThresholdExpression"]["Fn::Sub"]
    filled = json.loads(threshold.replace("${OutOfTheOrdinary}", "50"))
    assert filled["Dimensions"]["Values"] == ["50"]


@pytest.mark.cloud
def test_a_vault_for_copies_comes_up(cloud):
    whole = {**BACKUP, "Rules": {}}
    del whole["Rules"]
    formation = cloud("cloudformation")
    formation.create_stack(
        StackName="copies",
        TemplateBody=json.dumps(whole),
        Parameters=[{"ParameterKey": "Kind", "ParameterValue": "copies"}],
    )
    formation.get_waiter("stack_create_complete").wait(
        StackName="copies", WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    (vault,) = cloud("backup").list_backup_vaults()["BackupVaultList"]
    assert vault["BackupVaultName"] == "cardmesh-copies"
