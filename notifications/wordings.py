"""What codes of mail servers and of ours mean, in plain words."""

from __future__ import annotations

import re

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

_OWN: dict[str, Promise] = {
    "suppressed": _("This address gets no more messages: it bounced before or its owner unsubscribed."),
    "erased": _("The customer's data was erased before the message left."),
    "file_missing": _("An attachment was no longer there."),
    "store_away": _("The store of files could not be reached, so the attachments were not at hand."),
    "cannot_compose": _("The mail could not be put together. Check the sender's name and address."),
    "interrupted": _("Sending was interrupted several times. You can try again."),
    "no_connection": _("The mail server could not be reached. Check host and port."),
    "connection_lost": _("The connection to the mail server broke off."),
    "timeout": _("The mail server did not answer in time."),
    "tls": _("No secure connection came about. Check the kind of encryption and the port."),
    "forbidden_place": _(
        "This name leads into an internal network. If it is your own mail server, let the operator add it to"
        " OUTGOING_ALLOW."
    ),
    "login_refused": _("The mail server refused user name or password. Many providers want an app password."),
    "key_missing": _("The stored password cannot be read with the present key. Enter it again."),
    "no_smtputf8": _("The mail server cannot handle this address's characters."),
    "bounce": _("The mail came back."),
}
_PROVIDERS: dict[str, Promise] = {
    "not_set_up": _("This channel is not set up."),
    "no_template_code": _("No template of the provider is named for this message."),
    "no_words": _("There are no words for this channel."),
    "no_provider": _("The provider could not be reached."),
    "no_answer": _("The provider did not answer. Whether the message left is being found out."),
    "isv.BUSINESS_LIMIT_CONTROL": _("The provider's limit for this number was reached."),
    "isv.MOBILE_NUMBER_ILLEGAL": _("This is not a number text messages can be sent to."),
    "isv.AMOUNT_NOT_ENOUGH": _("The account at the provider is empty."),
    "isv.SMS_SIGNATURE_ILLEGAL": _("The provider does not know this signature, or has not approved it."),
    "isv.SMS_TEMPLATE_ILLEGAL": _("The provider does not know this template, or has not approved it."),
    "SignatureDoesNotMatch": _("The provider refused the signature: the secret is wrong."),
    "InvalidAccessKeyId.NotFound": _("The provider does not know this key."),
    "wx.40001": _("WeChat took the access token for invalid."),
    "wx.40003": _("WeChat does not know this follower."),
    "wx.40037": _("WeChat does not know this template."),
    "wx.43004": _("The customer does not follow the official account."),
    "wx.45009": _("WeChat's quota for today is used up."),
    "wx.47003": _("The values do not fit WeChat's template."),
    "wx.token.40125": _("WeChat refused the account's secret."),
    "wx.token.40013": _("WeChat does not know this account."),
    "wx.token.40164": _("WeChat lets this server's address in only when it stands on its white list."),
    "wx.user_block": _("The customer blocks messages of the official account."),
    "wx.system_failed": _("WeChat could not deliver it."),
    "push.404": _("The browser wants no more notices."),
    "push.410": _("The browser wants no more notices."),
    "push.401": _("The push service does not take our key."),
    "push.403": _("The push service does not take our key."),
    "push.413": _("The notice is too long."),
    "push.429": _("The push service asked us to try again later."),
    "overtaken": _("A later step overtook it."),
}
_NOTICES: dict[str, Promise] = {
    "too_late": _("It would have come too late to be of use."),
    "cap": _("The customer had got as many notices today as we allow."),
    "no_way": _("No channel got it through."),
    "no_address": _("We know no address for it."),
    "refused": _("The customer does not want notices this way."),
    "cancelled": _("The order was cancelled."),
    "erased": _("The customer's data was erased before the message left."),
}
_BY_ENHANCED: list[tuple[str, Promise]] = [
    (r"5\.1\.\d+", _("There is no such address at the receiving side.")),
    (r"[45]\.2\.2", _("The recipient's mailbox is full.")),
    (r"5\.2\.\d+", _("The recipient's mailbox takes no mail.")),
    (r"[45]\.3\.4", _("The mail is too large for the receiving side.")),
    (r"[45]\.7\.\d+", _("The receiving side refused the mail by its rules (spam protection, SPF or DKIM).")),
    (r"4\.\d+\.\d+", _("The receiving side asked us to try again later.")),
    (r"5\.\d+\.\d+", _("The receiving side refused the mail for good.")),
]
_BY_STAGE: dict[str, Promise] = {
    "connect": _("The mail server refused the connection."),
    "login": _("The mail server refused the sign-in."),
    "from": _("The mail server does not let this mailbox send. Sender and account must fit together."),
    "to": _("The receiving side refused the address."),
    "data": _("The receiving side refused the mail's content."),
    "message": _("The mail server broke off the conversation."),
}


def words_for(code: str) -> Promise | str:
    """Return what a delivery's or a test's code means; empty for success."""
    if not code or code in {"250", "OK", "wx.0", "push.200", "push.201", "push.202"}:
        return ""
    if code in _OWN or code in _PROVIDERS:
        return _OWN.get(code) or _PROVIDERS[code]
    if code.startswith(("isv.", "isp.", "r.", "wx.", "push.", "http.", "query.")):
        return _("The provider did not take or deliver the message.")
    stage, _dot, rest = code.partition(".")
    if stage == "from":
        return _BY_STAGE["from"]
    enhanced = re.search(r"[45]\.\d{1,3}\.\d{1,3}", rest)
    if enhanced:
        for pattern, words in _BY_ENHANCED:
            if re.fullmatch(pattern, enhanced[0]):
                return words
    if rest[:1] == "4":
        return _("The receiving side asked us to try again later.")
    if rest[:3] in {"550", "551", "553"} and stage == "to":
        return _("There is no such address at the receiving side.")
    return _BY_STAGE.get(stage, _("The message was not taken."))


def words_for_notice(code: str) -> Promise | str:
    """Return why a notice, or one of its channels, came to nothing; empty when nothing is wrong."""
    return _NOTICES.get(code) or words_for(code)


_RECEIVING: dict[str, Promise] = {
    "host_unknown": _("There is no server of this name. Check how it is spelled."),
    "forbidden_place": _(
        "This name leads into an internal network. If it is your own mail server, let the operator add it to"
        " OUTGOING_ALLOW."
    ),
    "no_connection": _("The server could not be reached. Check server and port; TLS usually has port 993."),
    "timeout": _("The server did not answer in time. Check the port and the kind of encryption."),
    "tls": _("No secure connection came about. Port 993 goes with TLS, port 143 with STARTTLS."),
    "certificate": _("The server's certificate is not valid for this name, so we gave it no password."),
    "no_starttls": _("The server offers no STARTTLS. Choose TLS with port 993."),
    "no_tls": _("Without encryption the password would go over the internet readable by anyone. Choose TLS."),
    "login_refused": _(
        "User name or password was refused. QQ, 163 and many others want an authorisation code made in their settings,"
        " not the password you sign in with."
    ),
    "unsafe_login": _(
        "The provider blocks this sign-in. Switch IMAP on in the mailbox's own settings and use an authorisation code."
    ),
    "busy": _("The provider asks us to come back later: too many connections or too many visits."),
    "no_folder": _("There is no folder of this name."),
    "no_move_folder": _("There is no folder to move mail to. Make it at the provider or choose another."),
    "read_only": _("The folder may only be read. Choose to leave the mail as it is."),
    "cannot_mark": _("The mail is here, but the provider did not let us mark it as read."),
    "cannot_move": _("The mail is here, but the provider did not let us move it. Is the folder there?"),
    "connection_lost": _("The connection broke off. It is tried again."),
    "too_much": _("The server sent more than a mail may hold, so we hung up."),
    "refused": _("The server refused a command. It is tried again."),
    "key_missing": _("The stored password cannot be read with the present key. Enter it again."),
    "not_kept": _("The mail could not be kept here: database or storage is away. It stays at the provider till then."),
    "interrupted": _("The last look did not come to its end. It is tried again."),
    "not_set_up": _("This mailbox's mail is not fetched."),
}


def words_for_receiving(code: str) -> Promise | str:
    """Return what went wrong while fetching mail; empty for success."""
    return _RECEIVING.get(code, _("Fetching mail failed.")) if code else ""


REASONS: dict[str, Promise] = {
    "too_large": _("It is larger than we take. Only its beginning was fetched; the whole mail lies in the mailbox."),
    "not_fetched": _("The provider did not hand it over in three tries. It still lies in the mailbox."),
    "too_many": _("The sender wrote very many mails within minutes; perhaps two machines answer one another."),
    "receipt": _("It only says that somebody opened our mail."),
    "fetched_again": _("It was fetched once more; see the newer row."),
    "no_sender": _("It names no sender who could be answered."),
    "own_address": _("Its sender is one of our own mailboxes."),
    "header_bomb": _("The mail's header is oversized."),
    "too_deep": _("The mail is nested too deeply."),
    "too_many_parts": _("The mail has too many parts."),
    "unreadable": _("The mail could not be read."),
    "own_mail": _("It is our own mail that came back."),
    "mailing_list": _("It comes from a mailing list."),
    "automatic": _("A machine wrote it, an absence note for example."),
    "not_taken": _("Nothing took it within a day."),
    "to_bounce_address": _("It is an automatic answer to the address for delivery reports."),
    "unknown_message": _("It is a delivery report about a mail that is not ours."),
    "delayed": _("It says that a mail is late but still on its way."),
    "by_hand": _("Somebody left it aside."),
    "spam": _("It was taken for spam."),
    "blocked": _("The sender is on the block list."),
}


def reason_for(code: str) -> Promise | str:
    """Return why a mail was left aside, in words."""
    return REASONS.get(code, code)
