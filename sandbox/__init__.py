"""Payment channels to develop against: they verify, sign, repeat, delay, lose and lie like the real ones.

It shares no signing code with the shop, so that a mistake of one side shows at the other.
"""
