"""edge-cn.yaml: the edge where CloudFront can do less, and what it must still not get wrong."""

import re
from pathlib import Path

from chalicelib.payments.gateways.wechat import line
from infra.package import template

ROOT = Path(__file__).parents[2]
EDGE = template.load(ROOT / "infra/edge.yaml")["Resources"]
CHINA = template.load(ROOT / "infra/edge-cn.yaml")["Resources"]
DISTRIBUTION = CHINA["Distribution"]["Properties"]["DistributionConfig"]
SHOP, (STATIC, HOOKS) = DISTRIBUTION["DefaultCacheBehavior"], DISTRIBUTION["CacheBehaviors"]
ORIGINS = {each["Id"]: each for each in DISTRIBUTION["Origins"]}
OF_THE_EDGE = {"x-forwarded-for", "x-forwarded-host", "x-origin-secret"}
ALWAYS_PASSED_ON = {"content-type", "cookie"}  # cookies as the behaviour says


def _asked_for(folder):
    """The names of headers that code under a folder reads."""
    sources = [path.read_text() for path in (ROOT / folder).rglob("*.py")]
    return {name for text in sources for name in re.findall(r'header\("([a-z-]+)"\)', text)}


def test_every_header_the_shop_reads_reaches_it_and_none_that_only_the_edge_may_send():
    passed = {name.lower() for name in SHOP["ForwardedValues"]["Headers"]}
    assert passed == _asked_for("chalicelib/web") - OF_THE_EDGE - ALWAYS_PASSED_ON
    assert len(passed) <= 10  # more cannot be named
    assert SHOP["ForwardedValues"]["Cookies"] == {"Forward": "all"}


def test_every_header_of_a_signature_reaches_the_callbacks():
    passed = {name.lower() for name in HOOKS["ForwardedValues"]["Headers"]}
    source = Path(line.__file__).read_text()
    (listed,) = re.findall(r"names = \(([^)]*)\)", source)  # in line.Line.verify
    names = {f"wechatpay-{name}" for name in re.findall(r'"([a-z]+)"', listed)} | {"wechatpay-signature-type"}
    assert names == passed
    assert "host" not in passed  # the API of callbacks takes no host but its own


def test_callbacks_are_told_the_main_host_and_shown_the_secret():
    sent = {each["HeaderName"]: each["HeaderValue"] for each in ORIGINS["hooks"]["OriginCustomHeaders"]}
    assert sent["X-Forwarded-Host"] == {"Fn::Sub": "main.${SiteDomain}"}
    assert sent.keys() == {"X-Forwarded-Host", "X-Origin-Secret"}
    assert [each["HeaderName"] for each in ORIGINS["shop"]["OriginCustomHeaders"]] == ["X-Origin-Secret"]


def test_nothing_but_static_files_is_kept_and_no_error_is():
    for kept in (SHOP, HOOKS):
        assert {kept["MinTTL"], kept["DefaultTTL"], kept["MaxTTL"]} == {0}
    assert (STATIC["PathPattern"], STATIC["MinTTL"]) == ("/static/*", 31_536_000)
    theirs = EDGE["Distribution"]["Properties"]["DistributionConfig"]["CustomErrorResponses"]
    assert DISTRIBUTION["CustomErrorResponses"] == theirs


def test_nothing_is_used_that_cloudfront_in_china_refuses():
    for behaviour in (SHOP, STATIC, HOOKS):
        unknown = {
            "CachePolicyId",
            "OriginRequestPolicyId",
            "ResponseHeadersPolicyId",
            "FunctionAssociations",
        }
        assert not unknown & behaviour.keys()
    assert "WebACLId" not in DISTRIBUTION
    assert "AcmCertificateArn" not in DISTRIBUTION["ViewerCertificate"]
    assert CHINA["Firewall"]["Properties"]["Scope"] == "REGIONAL"


def test_of_two_bucket_policies_each_partition_has_one():
    main = template.load(ROOT / "infra/main.yaml")
    assert main["Conditions"][main["Resources"]["StaticPolicy"]["Condition"]] == {
        "Fn::Equals": [{"Ref": "AWS::Partition"}, "aws"]
    }
    (ours, tls) = CHINA["StaticPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert ours["Principal"] == {"CanonicalUser": {"Fn::GetAtt": ["StaticIdentity", "S3CanonicalUserId"]}}
    assert tls["Effect"] == "Deny"
