"""Text as people type it: normal forms, contacts and their masks, language, mail, search terms."""

from core.text.contacts import (
    cn_mobile,
    mask_address,
    mask_email,
    mask_name,
    mask_phone,
    normalise_email,
    normalise_phone,
)
from core.text.language import Language, detect_language, pinyin_initials, pinyin_key
from core.text.mail import html_to_text, split_quoted_reply, split_signature
from core.text.normalising import (
    normalise,
    normalise_order_number,
    strip_invisible,
    tidy_text,
)
from core.text.searching import index_terms, search_terms

__all__ = [
    "Language",
    "cn_mobile",
    "detect_language",
    "html_to_text",
    "index_terms",
    "mask_address",
    "mask_email",
    "mask_name",
    "mask_phone",
    "normalise",
    "normalise_email",
    "normalise_order_number",
    "normalise_phone",
    "pinyin_initials",
    "pinyin_key",
    "search_terms",
    "split_quoted_reply",
    "split_signature",
    "strip_invisible",
    "tidy_text",
]
