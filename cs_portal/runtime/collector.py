"""What Python's collector of cycles need not look at again and again in a process that serves pages."""

import gc

YOUNG = 20_000  # new objects before the collector looks; a page of 500 messages makes some sixty thousand


def spare_the_collector() -> None:
    """Leave what the application is made of out of every collection, and look at new objects less often.

    A page leaves hardly a cycle behind, but makes so many objects that a collection fell into most long ones: the
    slowest tenth of them took a third longer than the rest.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 20, 20)
