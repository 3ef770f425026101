"""Whether sites and the deployment are well."""

import boto3

from cardmesh import health


def test_a_site_is_as_well_as_its_status_page_says(shop, world):
    assert health.ailments(shop.site) == set()
    order = shop.place()
    shop.pay(order)
    world.now += 600
    assert health.ailments(shop.site) == {"lets those wait who paid"}
    assert health.ailments("gone") == {"does not answer"}


def test_alarms_are_those_of_the_named_stack(world, monkeypatch):
    assert health.ringing() == set()
    monkeypatch.setenv("CARDMESH_STACK", "shop")
    cloudwatch = boto3.client("cloudwatch")
    for name in ("shop-LogAlarm", "other-LogAlarm"):
        cloudwatch.put_metric_alarm(
            AlarmName=name,
            MetricName="m",
            Namespace="n",
            Period=60,
            EvaluationPeriods=1,
            Threshold=0,
            ComparisonOperator="GreaterThanThreshold",
            Statistic="Sum",
        )
        cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="x")
    assert health.ringing() == {"shop-LogAlarm"}
