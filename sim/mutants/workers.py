"""Bugs of the edges: a message done before its work, keys in the wrong hands, secrets where all can read."""

from .mutant import CALM, ROUGH, mutant

_SWALLOWS = "workers that catch everything and go on"

WORKERS = (
    mutant(
        "message-deleted-on-error",
        "An order is missing in the main site's list: the message failed once and was gone.",
        (
            "kit.worker:_guarded",
            '        log.crash("worker.failed", site=message["site"], order=message.get("order"))\n        raise',
            '        log.crash("worker.failed", site=message["site"], order=message.get("order"))',
        ),
        origin=_SWALLOWS,
        rates=ROUGH | {"throttle": 0.3},
    ),
    mutant(
        "batch-acknowledged-before-it-is-done",
        "An order is missing in the main site's list: the row was refused and nobody tried again.",
        (
            "checkout.worker:drive_orders.func",
            "    orders.add_to_feed(seen, now=now)",
            "    try:\n        orders.add_to_feed(seen, now=now)\n    except Exception:\n        return answer",
        ),
        origin=_SWALLOWS,
        rates=ROUGH | {"throttle": 0.3},
    ),
    mutant(
        "credentials-of-the-site-before",
        "A function reaches for the rows of a site with the credentials of another.",
        (
            "kit.tenant:SiteCredentials.get_frozen_credentials",
            "known = self._by_site.get(site)",
            "known = next(iter(self._by_site.values()), None)",
        ),
        origin="globals that outlive a request",
    ),
    mutant(
        "credentials-kept-too-long",
        "Every call fails an hour after the function was started.",
        ("kit.tenant:SiteCredentials.get_frozen_credentials", "known and known[1] - _MARGIN > now", "known"),
        origin="globals that outlive a request",
    ),
    mutant(
        "site-of-the-message-before",
        "A delivery waits: the function still acts for the site of the message before.",
        (
            "kit.worker:each_message",
            "        with tenant.acting_for(site), trace",
            "        tenant._acting.set(tenant._acting.get() or site)\n        with trace",
        ),
        origin="globals that outlive a request",
        rates=CALM,
    ),
    mutant(
        "unknown-message-done",
        "While a release is going out, what it asks for by message is at times not done, and nobody hears of it.",
        (
            "checkout.worker:_drive",
            "    else:\n        _look(message, seen, now)",
            '    elif "order" in message:\n        _look(message, seen, now)',
        ),
        origin="workers that answer well to whatever they do not know",
        rates={**CALM, "two_releases": 1.0},
    ),
    mutant(
        "release-goes-on-in-a-newer-table",
        "A release was taken back: who paid meanwhile has codes and gets the money back, too.",
        ("kit.shape:of", "if shape > KNOWN:", "if shape > 9:"),
        origin="shops that rename a column and roll back",
        rates={**CALM, "two_releases": 1.0, "rolled_back": 1.0, "notice_twice": 1.0},
    ),
    mutant(
        "key-by-whoever-asks",
        "A function asks for the key of a site that it must not open.",
        ("kit.vault:_unwrap", 'EncryptionContext={"site": owner}', 'EncryptionContext={"site": tenant.MAIN}'),
        origin="platforms with one key for all shops",
    ),
    mutant(
        "codes-in-a-message",
        "Codes can be read in a queue.",
        (
            "fulfilment.service:_deliver_codes",
            'queue.send("settle", site=order.site, order=order.number)',
            (
                "codes = stock.read_codes(order.goods_owner, ranges)\n"
                '    queue.send("settle", site=order.site, order=order.number, codes=codes)'
            ),
        ),
        origin="shops that send what was bought along with the job",
    ),
    mutant(
        "contact-in-the-log",
        "The shopper's address stands in the log.",
        (
            "orders.service:move",
            "order=number, to=to)",
            'order=number, to=to, contact=vault.unseal(site, row.contact, f"contact|{number}").decode())',
        ),
        origin="logs of whole requests",
    ),
)
