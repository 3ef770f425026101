"""edge.yaml: what the distribution keeps, what it passes on, what it refuses, and what it says then."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from chalicelib.kit import config
from chalicelib.web import face, visit
from infra.package import refusals, template

ROOT = Path(__file__).parents[2]
EDGE = template.load(ROOT / "infra/edge.yaml")["Resources"]
DISTRIBUTION = EDGE["Distribution"]["Properties"]["DistributionConfig"]
BEHAVIOURS = {each["PathPattern"]: each for each in DISTRIBUTION["CacheBehaviors"]}
BEHAVIOURS["*"] = DISTRIBUTION["DefaultCacheBehavior"]
RULES = {each["Name"]: each for each in EDGE["Firewall"]["Properties"]["Rules"]}
ORIGINS = {each["Id"]: each for each in DISTRIBUTION["Origins"]}
NOTHING_KEPT = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"  # CachingDisabled
ALL_BUT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac"  # AllViewerExceptHostHeader
COUNTER = ("/", "/goods/*", "/status")
PAGES = sorted((ROOT / "chalicelib/web/static/edge").glob("*.html"))


def _policy(name):
    return EDGE[name]["Properties"]["CachePolicyConfig"]


def test_only_the_counter_and_static_files_are_kept():
    kept = {path for path, each in BEHAVIOURS.items() if each["CachePolicyId"] != NOTHING_KEPT}
    assert kept == {*COUNTER, "/static/*"}
    for path in BEHAVIOURS.keys() - kept:
        assert BEHAVIOURS[path]["OriginRequestPolicyId"] == ALL_BUT_HOST
        assert "POST" in BEHAVIOURS[path]["AllowedMethods"]


def test_a_kept_page_is_told_apart_by_all_that_reaches_the_shop():
    for path in COUNTER:
        assert BEHAVIOURS[path]["CachePolicyId"] == {"Ref": "CounterKey"}
        assert "OriginRequestPolicyId" not in BEHAVIOURS[path]
    key = _policy("CounterKey")["ParametersInCacheKeyAndForwardedToOrigin"]
    assert key["HeadersConfig"]["Headers"] == ["X-Forwarded-Host", "Accept-Language", "Accept"]
    assert key["QueryStringsConfig"]["QueryStrings"] == ["q", "category", "from"]
    assert key["CookiesConfig"]["Cookies"] == ["lang", "member"]
    assert (_policy("CounterKey")["MinTTL"], _policy("CounterKey")["DefaultTTL"]) == (0, 0)


def test_a_static_file_is_kept_for_a_year_whatever_is_asked_along():
    key = _policy("StaticKey")["ParametersInCacheKeyAndForwardedToOrigin"]
    asked = ("HeadersConfig", "HeaderBehavior"), ("QueryStringsConfig", "QueryStringBehavior")
    assert {key[part][how] for part, how in (*asked, ("CookiesConfig", "CookieBehavior"))} == {"none"}
    assert _policy("StaticKey")["MinTTL"] == 31_536_000
    assert BEHAVIOURS["/static/*"]["AllowedMethods"] == ["GET", "HEAD"]


def test_callbacks_have_an_origin_of_their_own():
    assert {each["TargetOriginId"] for path, each in BEHAVIOURS.items() if path == "/hooks/*"} == {"hooks"}
    assert ORIGINS["hooks"]["DomainName"] == {"Ref": "HooksEndpoint"}
    assert ORIGINS["static"]["OriginAccessControlId"] == {"Fn::GetAtt": ["StaticAccess", "Id"]}


def test_both_apis_are_shown_the_secret_and_the_bucket_is_not():
    for name in ("shop", "hooks"):
        (sent,) = ORIGINS[name]["OriginCustomHeaders"]
        assert sent["HeaderName"].lower() == "x-origin-secret"
        assert sent["HeaderValue"]["Fn::Sub"].startswith("{{resolve:secretsmanager:${OriginSecret}:")
    assert "OriginCustomHeaders" not in ORIGINS["static"]


def test_every_path_to_the_shop_passes_the_function_that_names_the_host():
    for path, each in BEHAVIOURS.items():
        functions = [f["FunctionARN"] for f in each.get("FunctionAssociations", ())]
        ours = [{"Fn::GetAtt": ["Visitor", "FunctionARN"]}] if path != "/static/*" else []
        assert functions == ours


def _passed(headers):
    """What of a visitor's headers the function lets through."""
    code = EDGE["Visitor"]["Properties"]["FunctionCode"]
    event = json.dumps({"request": {"headers": {"host": {"value": "Demo.Shop.example"}, **headers}}})
    call = ["node", "-e", f"{code}; console.log(JSON.stringify(handler({event})))"]
    done = subprocess.run(call, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)["headers"]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (None, "*/*"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", "text/html"),
        ("application/json", "application/json"),
        ("Application/JSON, text/html;q=0.5", "application/json"),
        ("application/problem+json", "*/*"),
        ("image/avif,image/webp,*/*;q=0.8", "*/*"),
    ],
)
def test_the_function_names_one_of_three_kinds_of_answers(asked, told):
    passed = _passed({"accept": {"value": asked}} if asked else {})
    assert passed["accept"]["value"] == told
    templates = refusals.responses(pages=True)["THROTTLED"]["responseTemplates"]
    assert told in templates or told == "*/*"


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (None, "zh-CN"),
        ("zh-TW,zh;q=0.9,en;q=0.8", "zh-CN"),
        ("de,en;q=0.5", "zh-CN"),
        ("EN-gb,en;q=0.9", "en"),
        ("en", "en"),
    ],
)
def test_the_function_names_the_host_and_one_of_two_languages(asked, told):
    own = {"x-forwarded-host": {"value": "main.shop.example"}}  # a visitor's word
    passed = _passed(own | ({"accept-language": {"value": asked}} if asked else {}))
    assert passed["x-forwarded-host"]["value"] == "demo.shop.example"
    assert passed["accept-language"]["value"] == told
    assert told in visit.LANGUAGES


def test_the_edge_says_of_security_what_the_shop_says_and_overrides_nothing():
    said = EDGE["Headers"]["Properties"]["ResponseHeadersPolicyConfig"]
    security = said["SecurityHeadersConfig"]
    (opener,) = said["CustomHeadersConfig"]["Items"]
    assert (
        security["ContentSecurityPolicy"]["ContentSecurityPolicy"] == face.SECURITY["Content-Security-Policy"]
    )
    assert security["ReferrerPolicy"]["ReferrerPolicy"] == face.SECURITY["Referrer-Policy"]
    assert face.SECURITY[opener["Header"]] == opener["Value"]
    assert security["StrictTransportSecurity"]["AccessControlMaxAgeSec"] == 31_536_000
    assert {each["Override"] for each in (*security.values(), opener)} == {False}
    assert {str(each["ResponseHeadersPolicyId"]) for each in BEHAVIOURS.values()} == {"{'Ref': 'Headers'}"}


def test_no_error_of_one_shop_is_kept_for_another():
    errors = {each["ErrorCode"]: each for each in DISTRIBUTION["CustomErrorResponses"]}
    assert set(errors) == {
        400,
        403,
        404,
        405,
        414,
        416,
        500,
        501,
        502,
        503,
        504,
    }  # all that CloudFront would keep
    assert {each["ErrorCachingMinTTL"] for each in errors.values()} == {0}


def test_what_only_the_vendor_would_say_is_said_by_a_page_that_exists():
    told = [each for each in DISTRIBUTION["CustomErrorResponses"] if "ResponsePagePath" in each]
    paths = {each["ResponsePagePath"]["Fn::Sub"] for each in told}
    assert paths == {f"${{StaticUrl}}/edge/{page.name}" for page in PAGES}
    assert {each["ErrorCode"]: each["ResponseCode"] for each in told} == {403: 403, 502: 502, 504: 504}


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_an_error_page_needs_nothing_else_and_names_nobody(page):
    text = page.read_text()
    assert not re.search(r"https?://|<script|<link|<img|url\(|aws|cloudfront", text, re.IGNORECASE)
    assert '<p lang="en">' in text
    assert 'href="/orders"' in text


def test_every_refusal_has_words_of_ours():
    bodies = EDGE["Firewall"]["Properties"]["CustomResponseBodies"]
    refusing = {n: r["Action"]["Block"]["CustomResponse"] for n, r in RULES.items() if "Action" in r}
    assert {each["CustomResponseBodyKey"] for each in refusing.values()} == set(bodies)
    codes = {name: each["ResponseCode"] for name, each in refusing.items()}
    assert codes == {"methods": 405, "large": 413, "logins": 429, "orders": 429, "requests": 429}
    for body in bodies.values():
        assert len(body["Content"].encode()) <= 4096
        assert '<p lang="en">' in body["Content"]


def test_the_firewall_refuses_the_bodies_that_the_shop_would():
    size, _ = RULES["large"]["Statement"]["AndStatement"]["Statements"]
    assert size["SizeConstraintStatement"]["Size"] == visit.LARGEST_BODY
    assert size["SizeConstraintStatement"]["FieldToMatch"] == {"Body": {"OversizeHandling": "MATCH"}}
    shown = EDGE["Firewall"]["Properties"]["AssociationConfig"]["RequestBody"]["CLOUDFRONT"]
    assert shown == {"DefaultSizeInspectionLimit": f"KB_{visit.LARGEST_BODY // 1024}"}


def _paths(statement):
    """The one pattern of paths in a rule."""
    found = re.findall(r'"RegexString": "(\^/[^"]+)"', json.dumps(statement))
    (pattern,) = found
    return re.compile(pattern)


@pytest.mark.parametrize("name", ["large", "requests", "reputation", "exploits", "common"])
def test_a_channel_is_never_refused_for_what_or_how_often_it_sends(name):
    assert _paths(RULES[name]["Statement"]).match("/hooks/wechat/1900000001")
    assert "NotStatement" in json.dumps(RULES[name])


@pytest.mark.parametrize("name", ["requests", "reputation", "exploits", "common", "large"])
def test_a_shopper_is_not_let_past_by_a_path_that_only_looks_like_a_callback(name):
    assert not _paths(RULES[name]["Statement"]).match("/login")
    assert not _paths(RULES[name]["Statement"]).match("/goods/hooks/x")
    assert '"NORMALIZE_PATH"' in json.dumps(RULES[name])


@pytest.mark.parametrize(
    ("name", "counted", "free"),
    [
        (
            "logins",
            [
                "/login",
                "/signup",
                "/apply",
                "/orders",
                "/console/login",
                "/partner/login",
                "/partner/join",
                "/wallet/password",
            ],
            ["/orders/DEM0A1PCZZZZ0123456789ABCDEF", "/logins", "/console", "/hooks/wechat/login"],
        ),
        (
            "orders",
            ["/buy/tx-month", "/api/v1/orders", "/wallet/topup"],
            ["/goods/tx-month", "/api/v1/orders/X"],
        ),
    ],
)
def test_tries_and_orders_are_counted_by_address_and_nothing_else_is(name, counted, free):
    rate = RULES[name]["Statement"]["RateBasedStatement"]
    assert rate["AggregateKeyType"] == "IP"
    assert '"POST"' in json.dumps(rate)
    assert all(_paths(rate).match(path) for path in counted)
    assert not any(_paths(rate).match(path) for path in free)


def test_three_groups_of_known_attacks_are_kept_out():
    groups = {
        rule["Statement"]["ManagedRuleGroupStatement"]["Name"]
        for rule in RULES.values()
        if "ManagedRuleGroupStatement" in rule["Statement"]
    }
    assert groups == {
        "AWSManagedRulesAmazonIpReputationList",
        "AWSManagedRulesKnownBadInputsRuleSet",
        "AWSManagedRulesCommonRuleSet",
    }
    assert [rule["Priority"] for rule in RULES.values()] == list(range(len(RULES)))


def test_what_lets_one_in_is_in_no_log_of_the_firewall():
    redacted = EDGE["FirewallLogging"]["Properties"]["RedactedFields"]
    headers = {each["SingleHeader"]["Name"] for each in redacted if "SingleHeader" in each}
    assert headers >= {"cookie", "x-query-password", "x-contact"}
    assert {"QueryString": {}} in redacted


def test_a_domain_of_a_shops_own_is_one_tenant_with_a_certificate_made_for_it():
    (tenant,) = template.load(ROOT / "infra/domain.yaml")["Resources"].values()
    assert tenant["Properties"]["Name"] == {"Ref": "AWS::StackName"}  # a shop may have several
    assert tenant["Type"] == EDGE["Shops"]["Type"] == "AWS::CloudFront::DistributionTenant"
    assert tenant["Properties"]["Domains"] == [{"Ref": "Domain"}]
    assert tenant["Properties"]["ManagedCertificateRequest"]["PrimaryDomainName"] == {"Ref": "Domain"}


def test_the_edge_tells_the_functions_how_it_takes_domains_of_owners():
    told = template.load(ROOT / "infra/edge.yaml")["Outputs"]["Settings"]
    assert told["Condition"] == "Tenants"
    given = json.loads(re.sub(r"\$\{([^}]+)\}", r"\1", told["Value"]["Fn::Sub"]))
    read = config.read({"KEY_ID": "k", "SITE_DOMAIN": "x", "EDGE": json.dumps(given)}).edge
    assert read == config.Edge("Distribution", "Connections", "Connections.RoutingEndpoint")


def test_a_distribution_is_routed_to_by_tenants_or_by_its_own_names_never_by_both():
    assert DISTRIBUTION["ConnectionMode"] == {"Fn::If": ["Tenants", "tenant-only", "direct"]}
    assert DISTRIBUTION["Aliases"]["Fn::If"][0] == "Plain"
    assert EDGE["Shops"]["Condition"] == EDGE["Connections"]["Condition"] == "Tenants"


def test_only_the_edge_reads_the_bucket_and_only_over_tls():
    policy = template.load(ROOT / "infra/main.yaml")["Resources"]["StaticPolicy"]["Properties"][
        "PolicyDocument"
    ]
    reads, plain = policy["Statement"]
    assert (reads["Principal"], reads["Action"]) == ({"Service": "cloudfront.amazonaws.com"}, "s3:GetObject")
    assert "${AWS::AccountId}" in json.dumps(reads["Condition"])
    assert (plain["Effect"], plain["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


@pytest.mark.cloud
def test_the_plain_edge_comes_up_and_shows_the_secret_it_was_told_of(cloud):
    secret = cloud("secretsmanager").create_secret(
        Name="cardmesh/edge", SecretString=json.dumps({"now": "hush", "before": "hush"})
    )
    whole = template.load(ROOT / "infra/edge.yaml")
    for unknown in ("FirewallLogging", "Connections", "Shops"):  # to the emulator
        del whole["Resources"][unknown]
    whole["Outputs"] = {"Distribution": whole["Outputs"]["Distribution"]}
    del whole["Rules"]
    whole["Resources"]["Names"]["Properties"]["ResourceRecords"] = ["elsewhere"]
    given = {
        "SiteDomain": "shop.example",
        "Form": "plain",
        "Endpoint": "shop.execute-api.us-east-1.amazonaws.com",
        "HooksEndpoint": "hooks.execute-api.us-east-1.amazonaws.com",
        "StaticHost": "bucket.s3.us-east-1.amazonaws.com",
        "StaticUrl": "/static/0123456789ab",
        "OriginSecretVersion": secret["VersionId"],
        "Certificate": "arn:aws:acm:us-east-1:000000000001:certificate/x",
    }
    formation = cloud("cloudformation")
    formation.create_stack(
        StackName="edge",
        TemplateBody=json.dumps(whole),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
    )
    formation.get_waiter("stack_create_complete").wait(
        StackName="edge", WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    (output,) = formation.describe_stacks(StackName="edge")["Stacks"][0]["Outputs"]
    made = cloud("cloudfront").get_distribution_config(Id=output["OutputValue"])["DistributionConfig"]
    assert made["Aliases"]["Items"] == ["*.shop.example"]
    shown = {o["Id"]: o["CustomHeaders"]["Items"] for o in made["Origins"]["Items"] if o["Id"] != "static"}
    assert {name: sent[0]["HeaderValue"] for name, sent in shown.items()} == {"shop": "hush", "hooks": "hush"}
    assert [each["PathPattern"] for each in made["CacheBehaviors"]["Items"]] == [*BEHAVIOURS][:-1]
