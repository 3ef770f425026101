"""What a first start plants: keys, channels, staff, sites by template, goods and sealed codes."""

import secrets
import time
from collections.abc import Callable
from dataclasses import replace

import sandbox.keys
from chalicelib.catalog import service as catalog
from chalicelib.kit import clock, ids, tenant, vault
from chalicelib.ledger import service as ledger
from chalicelib.payments import service as payments
from chalicelib.payouts import service as payouts
from chalicelib.stock import service as stock
from chalicelib.tenancy import provisioning
from chalicelib.tenancy import service as tenancy

from . import demo
from .place import Place
from .terminal import Stopped

PLAN = ledger.Plan("standard", 0, main_bps=2000, own_bps=2000)
_WEEK = 7 * clock.DAY
Say = Callable[[str], None]


def plant(place: Place, *, say: Say) -> list[str]:
    """Plant what is missing, through the services; a second call changes nothing.

    `say` shows progress. The answer are the lines to show once everything runs: addresses and staff logins.
    """
    with tenant.acting_for(tenant.MAIN):
        plant_main(place, say)
        for count, one in enumerate(demo.GOODS, 1):
            say(f"goods {count}/{len(demo.GOODS)}: {one.draft.name} {one.draft.face_value}".rstrip())
            _plant_goods(tenant.MAIN, one)
    for slug, brand in demo.SHOPS.items():
        _plant_shop(slug, brand, say)
    return _welcome(place)


def plant_main(place: Place, say: Say) -> None:
    """What a main site needs before anything can be sold."""
    say("main site: keys, channels, split plan, staff")
    for owner in vault.SHARED:
        vault.make_key(owner)
    for channel, settings in sandbox.keys.settings(place.keys, place.sandbox_url).items():
        payments.put_channel(channel, settings)
    payouts.put_bank(sandbox.keys.bank_settings(place.keys, place.sandbox_url))
    if not ledger.plans():
        ledger.put_plan(PLAN, now=clock.now())
    tenancy.enlist(tenant.MAIN, *demo.STAFF, role="staff", now=clock.now())


def _plant_shop(slug: str, brand: tenancy.Brand, say: Say) -> None:
    say(f"sub-site {slug}: deploying infra/subsite.yaml")
    site = _spin_up(slug, brand)
    with tenant.acting_for(site):
        if slug == "campus":
            _plant_goods(site, demo.OWN)
        offers = catalog.publish(site, now=clock.now())
    say(f"sub-site {slug}: {offers} offers on the shelf")


def _spin_up(slug: str, brand: tenancy.Brand) -> str:
    known = [site for site in tenancy.sites() if site.slug == slug]
    if known and known[0].state == "active":
        return known[0].site
    now, password = clock.now(), demo.OWNER_PASSWORD
    login = f"{slug}-owner"
    site = tenancy.open_site(
        slug, brand=brand, owner_login=login, owner_password=password, plan="standard", now=now
    ).site
    for _ in range(30):
        with tenant.acting_for(site):
            provisioning.advance(site, now=clock.now())
        if tenancy.site(site, fresh=True).state == "active":
            tenancy.set_channels(site, tenancy.CHANNELS)
            return site
        time.sleep(1)
    raise Stopped(f"Sub-site {slug} did not come up.")


def _plant_goods(owner: str, one: demo.Planted) -> None:
    named = {(goods.name, goods.face_value): goods for goods in catalog.all_goods(owner)}
    goods = named.get((one.draft.name, one.draft.face_value)) or catalog.put_goods(owner, _dated(one))
    if one.codes and not stock.batches(owner, goods.goods_id):
        codes = "\n".join(_code(one.look) for _ in range(one.codes))
        stock.import_codes(owner, goods.goods_id, codes, note="开业备货", now=clock.now())


def _dated(one: demo.Planted) -> catalog.GoodsDraft:
    if not one.discount:
        return one.draft
    now = clock.now()
    sale = catalog.Sale(one.draft.suggest_fen - one.discount, now, now + _WEEK)
    return replace(one.draft, sale=sale)


def _code(look: str) -> str:
    letters = {"#": ids.ALPHABET, "9": "0123456789"}
    return "".join(secrets.choice(letters.get(letter, letter)) for letter in look)


def _welcome(place: Place) -> list[str]:
    domain, (login, password) = place.site_domain, demo.STAFF
    lines = [f"  main console   http://main.{domain}/console     {login} / {password}"]
    for slug in demo.SHOPS:
        lines.append(f"  shop           http://{slug}.{domain}/")
        lines.append(
            f"  its console    http://{slug}.{domain}/console     {slug}-owner / {demo.OWNER_PASSWORD}"
        )
    return lines
